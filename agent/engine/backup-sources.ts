import type { BackupRequest } from "#agent/commands/engine.ts";
import { commandOutput } from "#agent/importers/command-output.ts";
import { FilesystemImporter } from "#agent/importers/filesystem-importer.ts";
import { standardInput } from "#agent/importers/standard-input.ts";
import { StreamImporter } from "#agent/importers/stream-importer.ts";
import type { Importer, ScanProblem } from "#shared/connectors/importer.ts";
import type { TreeMemory } from "#shared/operations/backup/tree-memory.ts";
import type { Notice, Reporter, ReportValue } from "#shared/operations/progress.ts";
import { findSources } from "./find-sources.ts";
import type { Source } from "./named-source.ts";
import { storeToSkip } from "./store-to-skip.ts";
import { tellFindings } from "./tell-findings.ts";

/** Scans that begin while the store is being opened: each is a thread, and there may be a PATH for each of thousands of files. */
const scansAtOnce = 4;

/** What a backup reads, and what is to be told of it. */
export type BackupSources = {
  readonly importers: readonly Importer[];
  /** Sources that the scans of others are to meet. */
  readonly brought: readonly Source[];
  readonly problems: readonly ScanProblem[];
  readonly notices: readonly Notice[];
  /** Tells what was found on the way, once all has been read. @returns facts for the report */
  readonly tell: (reporter: Reporter, sizeBytes: number) => Readonly<Record<string, ReportValue>>;
};

/**
 * Makes the importers that a request asks for. Those of files begin to scan; each must be closed.
 *
 * @throws {HoldfastError} as `findSources`
 */
export function backupSources(
  request: BackupRequest,
  parts: {
    readonly host: string;
    readonly memory: TreeMemory | undefined;
    readonly storeDirectory: string | undefined;
  },
): BackupSources {
  return request.stream === undefined ? filesOf(request, parts) : streamOf(request.stream, parts.host);
}

function filesOf(
  request: BackupRequest,
  { host, memory, storeDirectory }: Parameters<typeof backupSources>[1],
): BackupSources {
  const { as = [], excludes, oneFileSystem, xattrs, force } = request;
  const skip = storeToSkip(storeDirectory);
  const found = findSources(request.paths, { as, excludes, oneFileSystem, skip });
  const importers = found.sources.map(({ root, readFrom, excludes: lines }, index) => {
    const known = force ? undefined : memory?.recall(root);
    const followsLink = root !== readFrom && as.length === 0;
    return new FilesystemImporter({
      root,
      readFrom,
      followsLink,
      host,
      excludes: lines,
      oneFileSystem,
      xattrs,
      skip,
      known,
      beginsAtOnce: index < scansAtOnce,
    });
  });
  const { brought, problems, notices } = found;
  const tell: BackupSources["tell"] = (reporter) =>
    tellFindings(
      importers.map(({ findings }) => findings),
      excludes,
      reporter,
    );
  return { importers, brought, problems, notices, tell };
}

function streamOf({ path, command }: NonNullable<BackupRequest["stream"]>, host: string): BackupSources {
  const input = command === undefined ? standardInput() : commandOutput(command);
  const importers = [new StreamImporter({ root: path, host, input })];
  return { importers, brought: [], problems: [], notices: [], tell: tellIfEmpty };
}

function tellIfEmpty(reporter: Reporter, sizeBytes: number): Readonly<Record<string, ReportValue>> {
  if (sizeBytes === 0)
    reporter.notice({ level: "warning", message: "The command printed nothing: an empty file was stored." });
  return {};
}
