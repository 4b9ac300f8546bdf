import type { ExportProblem, FileDecision } from "#shared/connectors/exporter.ts";
import type { Progress, Reporter } from "#shared/operations/progress.ts";
import { placeOf } from "./place-of.ts";
import type { EntryListener } from "./restore-options.ts";

const leftAlone = "It was left as it is, for something was there (--overwrite never).";

/** Tells what a restore does to entries of one target. */
export class RestoreTeller {
  readonly #root: string;
  readonly #reporter: Reporter;
  readonly #onEntry: EntryListener | undefined;
  readonly #counts: { problems: number };
  readonly #progress: Progress;

  constructor(parts: {
    readonly root: string;
    readonly reporter: Reporter;
    readonly onEntry: EntryListener | undefined;
    readonly counts: { problems: number };
    readonly progress: Progress;
  }) {
    this.#root = parts.root;
    this.#reporter = parts.reporter;
    this.#onEntry = parts.onEntry;
    this.#counts = parts.counts;
    this.#progress = parts.progress;
  }

  /** Tells what became of an entry; of one that was in the way and is left alone, also those who did not ask. */
  fate(path: string, fate: FileDecision): void {
    this.#onEntry?.(placeOf(this.#root, path), fate);
    if (fate === "leave") this.#reporter.notice({ level: "info", message: leftAlone, path });
  }

  /** The path that messages show: the target itself has no path of its own. */
  shown(path: string): string {
    return path === "" ? this.#root : path;
  }

  /** Tells of an attribute that could not be restored, or of an entry that was restored in another way. */
  readonly problem = (path: string, problem: ExportProblem): void => {
    if (problem.isNotice === true) {
      const { message, isOfFilesystem = false } = problem;
      this.#reporter.notice({ level: "warning", message: `${message}.`, path: this.shown(path), isOfFilesystem });
      return;
    }
    this.#counts.problems++;
    this.#progress.errors++;
    const { attribute, message, isOfFilesystem = false } = problem;
    this.#reporter.entryError({ path: this.shown(path), kind: attribute, message, isOfFilesystem });
  };
}
