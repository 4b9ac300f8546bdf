import { type ErrorKind, HoldfastError } from "#shared/errors.ts";

/** The names of the rules of the log. FORMAT.md argues safety by them, and the checker of the protocol weakens them one by one. */
export type RuleName =
  | "entry-has-events"
  | "entry-attempt-is-new"
  | "commit-state-is-new"
  | "commit-state-is-not-swept"
  | "commit-id-is-new"
  | "commit-lengths-are-in-order"
  | "commit-matches-its-state"
  | "commit-base-is-folded"
  | "commit-packs-are-whole"
  | "commit-segments-exist"
  | "packs-are-not-swept"
  | "condemned-packs-are-revived"
  | "revived-packs-are-condemned"
  | "snapshots-are-named-once"
  | "snapshots-are-published"
  | "snapshots-are-not-removed"
  | "snapshots-are-removed"
  | "packs-are-named-once"
  | "condemned-packs-are-live"
  | "live-snapshots-are-known"
  | "condemned-packs-are-unneeded"
  | "sweep-names-each-once"
  | "swept-packs-are-condemned"
  | "swept-states-are-hidden"
  | "sweep-waits-for-grace"
  | "swept-states-are-empty"
  | "relocation-names-each-once"
  | "relocated-packs-are-live"
  | "placed-packs-are-new"
  | "relocated-rows-are-as-many"
  | "relocated-segments-are-the-same"
  | "placed-packs-are-whole"
  | "checkpoints-ascend"
  | "checkpoint-matches-its-head";

/** Why a rule forbids an event. */
export type Violation = {
  readonly rule: RuleName;
  /** What an appender should do about it; a reader that meets it in the log calls it `corrupt`. */
  readonly kind: ErrorKind;
  /** The end of a sentence: "snapshot 3f2a… is already removed". */
  readonly reason: string;
  /** The packs or snapshots concerned: the first hundred. */
  readonly ids: readonly string[];
};

/** Ids that a violation names at most. */
const namedIds = 100;

/** A violation about `ids`; `reason` says what is the matter with the first, and how many more there are is added. */
export function violation(rule: RuleName, kind: ErrorKind, reason: string, ids: readonly string[] = []): Violation {
  const others = ids.length > 1 ? `, and so with ${ids.length - 1} more` : "";
  return { rule, kind, reason: reason + others, ids: ids.slice(0, namedIds) };
}

/**
 * The error of an appender whose event a rule forbids.
 *
 * @param action - the start of the sentence: "Cannot publish snapshot 3f2a…"
 */
export function violationError(action: string, found: Violation, hint?: string): HoldfastError {
  return new HoldfastError(found.kind, `${action}: ${found.reason}`, {
    detail: { rule: found.rule, ids: found.ids },
    ...(hint === undefined ? {} : { hint }),
  });
}
