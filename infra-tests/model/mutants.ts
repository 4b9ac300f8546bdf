import type { ModelBounds, ModelFaults } from "./model-state.ts";

/** Rules that are weakened together, where the checker must find what goes wrong without them. */
export type Mutant = {
  /** Rules by the names that `ruleNames` gives. */
  readonly rules: readonly string[];
  readonly bounds: ModelBounds;
  readonly faults?: ModelFaults;
  /** What the checker must say. */
  readonly broken: RegExp;
};

const wants = ["bc", "ac"];
const oneRun: ModelBounds = { entries: 3, wants, runs: 1, copies: 0 };
const oneCopy: ModelBounds = { entries: 3, wants, runs: 0, copies: 1 };
const twoCopies: ModelBounds = { entries: 3, wants, runs: 0, copies: 2 };

/** Each rule on which safety rests, and bounds within which a world without it breaks. */
export const mutants: readonly Mutant[] = [
  { rules: ["commit/commit-state-is-not-swept"], bounds: oneRun, broken: /published twice|lost its state/ },
  {
    rules: ["commit/commit-state-is-new", "commit/commit-id-is-new"],
    bounds: oneRun,
    broken: /state .* is published twice/,
  },
  {
    rules: ["commit/commit-id-is-new"],
    bounds: oneRun,
    faults: { restage: true },
    broken: /the backup of .* is published twice/,
  },
  { rules: ["commit/packs-are-not-swept"], bounds: oneRun, broken: /live snapshot .* which was swept/ },
  { rules: ["commit/condemned-packs-are-revived"], bounds: oneRun, broken: /live snapshot .* which is condemned/ },
  {
    rules: ["commit/commit-packs-are-whole"],
    bounds: oneRun,
    faults: { lostPuts: true },
    broken: /live snapshot .* which is gone/,
  },
  {
    rules: ["undelete/packs-are-not-swept"],
    bounds: { ...oneCopy, entries: 4, copies: 0 },
    broken: /live snapshot .* which was swept/,
  },
  { rules: ["undelete/condemned-packs-are-revived"], bounds: oneCopy, broken: /live snapshot .* which is condemned/ },
  { rules: ["condemn/live-snapshots-are-known"], bounds: oneRun, broken: /live snapshot .* which is condemned/ },
  { rules: ["condemn/condemned-packs-are-unneeded"], bounds: oneRun, broken: /live snapshot .* which is condemned/ },
  { rules: ["sweep/swept-packs-are-condemned"], bounds: oneRun, broken: /live snapshot .* which was swept/ },
  { rules: ["sweep/swept-states-are-hidden"], bounds: oneRun, broken: /disappears without being removed/ },
  { rules: ["sweep/swept-states-are-empty"], bounds: oneRun, broken: /no state names it/ },
  {
    rules: ["relocate/relocation-names-each-once"],
    bounds: oneCopy,
    faults: { wrongCopies: true },
    broken: /go in a circle/,
  },
  { rules: ["relocate/relocated-packs-are-live"], bounds: twoCopies, broken: /live snapshot .* which is condemned/ },
  { rules: ["relocate/placed-packs-are-new"], bounds: oneCopy, broken: /live snapshot .* which is condemned/ },
  {
    rules: ["relocate/relocated-segments-are-the-same"],
    bounds: oneCopy,
    faults: { wrongCopies: true },
    broken: /live snapshot .* reads z/,
  },
  {
    rules: ["relocate/placed-packs-are-whole"],
    bounds: oneCopy,
    faults: { lostPuts: true },
    broken: /live snapshot .* which is gone/,
  },
];

/**
 * The other rules, and why a world without one of them does not break: each is explored all the same, to its end.
 *
 * Of these some are there so that a log says one thing in one way (a reader refuses what a careless program wrote, before
 * somebody reads more into it), some guard what the model has no picture of, and those have tests of their own in `shared/log`.
 */
export const harmless: Readonly<Record<string, string>> = {
  "entry/entry-has-events": "an empty entry changes nothing",
  "entry/entry-attempt-is-new":
    "no appender sends an attempt twice that knows itself: see the model of appends, where one that does not needs it",
  "commit/commit-state-is-new":
    "the same state has the same commit id, and `commit-id-is-new` refuses that; without both it breaks",
  "commit/commit-lengths-are-in-order": "lengths have no picture in the model",
  "commit/revived-packs-are-condemned": "to revive what is not condemned changes nothing",
  "commit/commit-matches-its-state": "the states of the model are their own",
  "commit/commit-base-is-folded": "there is one copy of the store in the model, and nobody is ahead of it",
  "commit/commit-segments-exist": "the states of the model reference rows that are there",
  "remove/snapshots-are-named-once": "to remove twice in one event changes nothing",
  "remove/snapshots-are-published": "to remove what was never published changes nothing",
  "remove/snapshots-are-not-removed": "to remove again changes the time of the removal only",
  "undelete/snapshots-are-named-once": "to undelete twice in one event changes nothing",
  "undelete/snapshots-are-published": "to undelete what was never published changes nothing",
  "undelete/snapshots-are-removed":
    "to undelete a live snapshot changes nothing, and its packs are judged all the same",
  "undelete/revived-packs-are-condemned": "to revive what is not condemned changes nothing",
  "condemn/packs-are-named-once": "to condemn twice in one event changes nothing",
  "condemn/condemned-packs-are-live":
    "what is condemned again waits longer; what was swept stays swept, condemned or not",
  "revive/packs-are-named-once": "to revive twice in one event changes nothing",
  "revive/revived-packs-are-condemned": "to revive what is not condemned changes nothing; what was swept stays swept",
  "sweep/sweep-names-each-once": "to sweep twice in one event changes nothing",
  "sweep/sweep-waits-for-grace":
    "the sweepers of the model never wait: safety does not rest on any clock; the simulator shows that two clocks keep the grace period",
  "relocate/relocated-rows-are-as-many":
    "a row too many is never asked for; one too few is refused by `relocated-segments-are-the-same`",
  "checkpoint/checkpoints-ascend": "no rule looks at a checkpoint",
  "checkpoint/checkpoint-matches-its-head":
    "no rule looks at a checkpoint; who starts from one checks it against the log",
};
