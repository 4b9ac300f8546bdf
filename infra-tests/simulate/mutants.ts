import type { Mutation } from "./stand-ins.ts";
import type { namedWeathers } from "./weather.ts";

/** A fault put into the program on purpose, and what the simulator must say about it. */
export type Mutant = {
  readonly mutations: readonly Mutation[];
  readonly broken: RegExp;
  /** The weather in which it shows soon. */
  readonly weather?: keyof typeof namedWeathers;
};

const commitRules = "shared/log/rules/check-commit.ts";
const execute = "shared/operations/maintenance/execute-maintenance.ts";

const holdsNothing: Mutation = {
  module: "shared/operations/maintenance/survey-store.ts",
  find: "marked.size > 0 && isReplaced(state, record)",
  replace: "false",
};

/** The faults by which the simulator is tried. */
export const mutants: Readonly<Record<string, Mutant>> = {
  /** A commit does not take back what was condemned since the backup began. */
  "commit-does-not-revive": {
    mutations: [
      {
        module: commitRules,
        find: "checkRevivedAll(state, packsNeeded(state, head), event.revive)",
        replace: "undefined",
      },
      { module: "shared/log/publish-state.ts", find: "state.condemned.size === 0", replace: "true" },
    ],
    broken: /needs pack .* which is condemned/,
  },
  /** A commit does not care whether something that it needs was swept since the backup began. */
  "commit-needs-swept-packs": {
    mutations: [{ module: commitRules, find: /.*name: "packs-are-not-swept".*\n/, replace: "" }],
    broken: /needs pack .* which was swept/,
  },
  /** A maintainer condemns by the snapshots that it looked at, not by those that are live when its entry is written. */
  "condemns-by-an-old-look": {
    mutations: [
      { module: execute, find: "isBehind = uncovered(state, needed).length > 0;", replace: "isBehind = false;" },
      { module: "shared/log/rules/check-condemn.ts", find: /.*name: "live-snapshots-are-known".*\n/, replace: "" },
    ],
    broken: /needs pack .* which is condemned/,
  },
  /** A maintainer deletes what it is about to condemn, before any entry says so. */
  "deletes-before-the-entry": {
    mutations: [
      { module: execute, find: "state.swept.has(packId) && !isNeeded(packId)", replace: "!isNeeded(packId)" },
      { module: execute, find: "[leftoverPacks, sweep]", replace: "[leftoverPacks, sweep, this.#plan.condemn]" },
    ],
    broken: /was deleted and was not swept/,
  },
  /** Who loses the race for an entry puts what it had decided before it lost. */
  "decides-once": {
    mutations: [
      {
        module: "shared/log/append-entry.ts",
        find: "const events = decide(state);",
        replace: "const events = (decide.decided ??= decide(state));",
      },
    ],
    broken: /needs pack .* which (is condemned|was swept)/,
  },
  /** A put without an answer counts as done. */
  "guesses-that-a-put-arrived": {
    mutations: [
      {
        module: "shared/log/place-entry.ts",
        find: "      answer = error;",
        replace: "      if (error.kind === 'unavailable') return [];\n      answer = error;",
      },
    ],
    broken: /was acknowledged at entry|which is not there|two readers disagree/,
  },
  /** A compactor tells the log of its copies in another order than it made them. */
  "relocates-wrong-rows": {
    mutations: [
      {
        module: "shared/operations/maintenance/compact/append-relocations.ts",
        find: "from: group.from.map(({ pack }) => ({ packId: pack.packId, segments: pack.rows })),",
        replace: "from: group.from.map(({ pack }) => ({ packId: pack.packId, segments: pack.rows })).reverse(),",
      },
      {
        module: "shared/log/rules/check-relocate.ts",
        find: /.*name: "relocated-segments-are-the-same".*\n/,
        replace: "",
      },
    ],
    broken: /does not restore|restores otherwise|finds damage|ends with/,
  },
  /** Maintenance takes what a repair condemned because it was missing for what nobody needs. */
  "sweeps-what-came-back": {
    weather: "outage",
    mutations: [
      {
        module: "shared/operations/maintenance/look-at-marked.ts",
        find: 'else if (mark === "missing" ||',
        replace: "else if (false &&",
      },
      holdsNothing,
    ],
    broken: /repaired as .* (does not restore|restores .* wrongly)|did not outlive/,
  },
  /** Maintenance condemns and sweeps what a damaged snapshot, which a repair replaced, would need beside what is missing. */
  "forgets-what-was-replaced": {
    weather: "outage",
    mutations: [holdsNothing],
    broken: /repaired as .* (does not restore|restores .* wrongly)|did not outlive/,
  },
  /** Maintenance sweeps what is not there: should it come back, it is deleted as what was swept. */
  "sweeps-what-is-away": {
    weather: "outage",
    mutations: [
      {
        module: "shared/operations/maintenance/look-at-marked.ts",
        find: "!packs.is(row, packFlags.listed)) absent.add(packId);",
        replace: "!packs.is(row, packFlags.listed)) return;",
      },
      holdsNothing,
    ],
    broken: /repaired as .* (does not restore|restores .* wrongly)|did not outlive/,
  },
  /** The grace period is over when the times of two entries say so: one clock that lies is enough. */
  "sweeps-by-one-clock": {
    weather: "liars",
    mutations: [
      {
        module: "shared/operations/maintenance/witnesses.ts",
        find: "Math.min(hostMs - moment.timeMs, storeAgeMs(moment) ?? Number.POSITIVE_INFINITY)",
        replace: "hostMs - moment.timeMs",
      },
      {
        module: "shared/log/rules/check-sweep.ts",
        find: "Math.min(facts.timeMs - condemned.timeMs, storeAgeMs) < facts.graceMs",
        replace: "facts.timeMs - condemned.timeMs < facts.graceMs",
      },
    ],
    broken: /is swept before its grace period is over/,
  },
  /** What was condemned at a time that lies in the future waits until then. */
  "waits-for-ever": {
    weather: "liars",
    mutations: [
      {
        module: "shared/operations/maintenance/plan-maintenance.ts",
        find: "ageMs < -clockToleranceMs && witnesses.agree && !isBlocked",
        replace: "false",
      },
    ],
    broken: /is left over, and nobody needs it/,
  },
  /** A repair that finds packs back gives them to nobody, and leaves them as they are. */
  "leaves-what-came-back": {
    weather: "outage",
    mutations: [
      {
        module: "shared/operations/repair/execute-repair.ts",
        find: "repository.log = await releaseReturned(appender(), plan.returned);",
        replace: "",
      },
    ],
    broken: /finds the same to mend again and again|packs are left after an outage/,
  },
  /** Backups build on what is gone, and never learn. */
  "sees-what-was-swept": {
    mutations: [
      {
        module: "shared/operations/backup/find-unsafe-packs.ts",
        find: 'segments.standing(segment) === "live" &&',
        replace: "",
      },
    ],
    broken: /cannot back up, though nothing is in its way/,
  },
};
