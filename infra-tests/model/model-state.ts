import type { LogNode } from "./model-log.ts";

/** The whole world of the model at one moment. Everything else that actors know follows from it, or may be out of date in any way. */
export type ModelState = {
  readonly log: LogNode;
  /** Names of packs and states that were ever put, ascending. */
  readonly put: readonly string[];
  /** Those of them that are not there any more, ascending. */
  readonly deleted: readonly string[];
};

/** How far the model goes. */
export type ModelBounds = {
  /** Entries after those of the first state. */
  readonly entries: number;
  /** What agents want to back up: contents by their letters. */
  readonly wants: readonly string[];
  /** Runs of agents at most, each of which wants one of these and stages a state. */
  readonly runs: number;
  /** Packs that compactors write at most. */
  readonly copies: number;
};

/** Faults that careful programs do not have, and against which a rule stands. */
export type ModelFaults = {
  /** Uploads and copies that say that they succeeded and did not. */
  readonly lostPuts?: boolean;
  /** Compactors that mix segments up, or leave one out. */
  readonly wrongCopies?: boolean;
  /** Agents that make a second state for the same backup. */
  readonly restage?: boolean;
  /** Sweepers that delete before their entry is durable. */
  readonly deleteFirst?: boolean;
};

/** Equal for states that have the same future. */
export function keyOf({ log, put, deleted }: ModelState): string {
  return `${log.id} ${put.join()} ${deleted.join()}`;
}

/** A sorted list with one name more. */
export function withName(names: readonly string[], name: string): readonly string[] {
  return names.includes(name) ? names : [...names, name].sort();
}
