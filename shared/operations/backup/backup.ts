import { isHoldfastError } from "#shared/errors.ts";
import type { Importer, ScanProblem } from "#shared/connectors/importer.ts";
import { newProgress, type Reporter } from "#shared/operations/progress.ts";
import type { Repository } from "#shared/repository/repository.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";
import type { TreeMemory } from "./tree-memory.ts";
import type { Comparison } from "./comparison.ts";
import { type BackupLedger, backupOnce } from "./backup-once.ts";
import type { Journal } from "./journal.ts";
import { UnusableMemory } from "./unusable-memory.ts";

/** What to back up, and how. */
export type BackupOptions = {
  readonly repository: Repository;
  readonly importers: readonly Importer[];
  /** What was asked for and cannot be backed up. */
  readonly problems?: readonly ScanProblem[];
  readonly host: string;
  readonly user: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly program: string;
  /** Whether all files are read, even those that look unchanged. */
  readonly force: boolean;
  /** Share of the unchanged files that are read to see whether their content is unchanged; undefined: none. */
  readonly rereadPercent?: number;
  /** How young times may be to be believed, milliseconds; undefined: `settleMs` of doubts.ts. */
  readonly settleMs?: number;
  /** What may differ in an entry whose content is not read again; undefined: nothing. */
  readonly comparison?: Comparison;
  /** The snapshot to compare with; undefined: for each source the newest of the same host and name that has it. */
  readonly parent?: SnapshotRecord;
  /** Threads that read, compress and seal. */
  readonly threads: number;
  /** Packs stored at once. */
  readonly uploads: number;
  readonly journal?: Journal;
  /** What is remembered of the trees that were backed up before. */
  readonly memory?: TreeMemory;
  /** Gives memory that was freed back to the system. */
  readonly releaseMemory?: () => void;
  readonly reporter: Reporter;
  readonly signal?: AbortSignal;
};

/** What a backup did. */
export type BackupReport = {
  readonly snapshotId: string;
  readonly seq: number;
  readonly parentId: string | undefined;
  readonly entries: number;
  readonly totalBytes: number;
  readonly unchanged: number;
  readonly changed: number;
  /** Content that was not in the store before, as plaintext. */
  readonly newBytes: number;
  /** Bytes sent to the store. */
  readonly storedBytes: number;
  /** Packs taken over from an interrupted backup. */
  readonly adoptedPacks: number;
  readonly errorCount: number;
  readonly changedWhileRead: number;
  /** Unchanged files that were read, and those of them whose content was another one. */
  readonly reread: number;
  readonly differing: number;
  readonly durationMs: number;
};

/** Times that a backup begins again because something that it built on was swept before it could publish. */
const roundsMax = 8;

/**
 * Makes a snapshot of one or more sources.
 *
 * Packs first, then the state, then the log entry: a failure before the last leaves no snapshot. What could not be read is in the
 * snapshot's error list and counted in the report; the rest is there.
 *
 * Where a pack that it deduplicated against, or stored itself, is swept before it publishes, it looks at the sources once more and stores what is
 * missing; what it has stored already is taken over. So it does without its memory where what it remembers does not hold.
 *
 * @throws {HoldfastError} interrupted, unavailable, conflict …: there is no snapshot
 */
export async function backup(options: BackupOptions): Promise<BackupReport> {
  const { clock } = options.repository;
  const startedMs = clock.nowMs();
  const progress = newProgress("backup", "opening");
  options.reporter.start(progress);
  let { repository } = options;
  let left = options.journal?.left ?? [];
  const reporter = tellingOnce(options.reporter);
  const ledger: BackupLedger = { newBytes: 0, storedBytes: 0, adoptedPacks: undefined, storedPacks: [] };
  let isMemoryUsed = true;
  for (let round = 1; ; round++) {
    let why: string;
    try {
      const report = await backupOnce(
        { ...options, repository, reporter },
        { progress, startedMs, left, isMemoryUsed, ledger },
      );
      options.repository.log = repository.log;
      return report;
    } catch (error) {
      if (isMemoryUsed && error instanceof UnusableMemory) {
        isMemoryUsed = false;
        why = `What is remembered of the last backup does not hold (${error.message}): everything is compared with the previous snapshot.`;
      } else if (isSweptMeanwhile(error) && round < roundsMax) {
        why =
          "Something that the backup built on was swept meanwhile: it goes over the sources again and stores what is missing.";
      } else throw error;
    }
    options.reporter.notice({ level: "warning", message: why });
    left = [...left, ...ledger.storedPacks];
    ledger.storedPacks = [];
    repository = await repository.reopened();
  }
}

/** Errors of entries that are kept in mind, so that a second look at the sources does not tell them again. */
const rememberedErrors = 10_000;

/** Passes on what it is told, of the first errors of entries each once. */
function tellingOnce(reporter: Reporter): Reporter {
  const told = new Set<string>();
  return {
    start: (progress) => reporter.start(progress),
    notice: (notice) => reporter.notice(notice),
    finish: (report) => reporter.finish(report),
    entryError(error) {
      const name = `${error.kind}\0${error.path}\0${error.message}`;
      if (told.has(name)) return;
      if (told.size < rememberedErrors) told.add(name);
      reporter.entryError(error);
    },
  };
}

function isSweptMeanwhile(error: unknown): boolean {
  return isHoldfastError(error, "conflict") && error.detail["rule"] === "packs-are-not-swept";
}
