import type { Mutation } from "./stand-ins.ts";

/** A fault put into the program on purpose, and what the simulator must say about it. */
export type Mutant = { readonly mutations: readonly Mutation[]; readonly broken: RegExp };

const commitRules = "shared/log/rules/check-commit.ts";
const execute = "shared/operations/maintenance/execute-maintenance.ts";

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
