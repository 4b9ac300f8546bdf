import { filesystemError } from "#agent/filesystem/filesystem-error.ts";
import { isTemporaryName } from "#agent/filesystem/temporary-name.ts";
import type { ScanProblem } from "#shared/connectors/importer.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { noteLeftOut } from "./scan-findings.ts";
import type { DirectoryScan } from "./scan-tree.ts";
import { isSkipped } from "./skipped-directories.ts";

/** Statx attribute: the entry is the root of a mount. */
const mountRoot = 0x2000;

/** Whether an entry is part of a scan. A directory that is to be entered goes to `scan.subdirectories`. */
export function takesEntry(
  scan: DirectoryScan,
  place: { readonly dir: string; readonly name: string; readonly prefix: string },
  looked: {
    readonly isDirectory: boolean;
    readonly device: number;
    readonly inodeHi: number;
    readonly inodeLo: number;
    readonly attributes: number;
  },
): boolean {
  const { excludes, skip, oneFileSystem } = scan.options;
  const { isDirectory, device, attributes } = looked;
  if (!isDirectory && isTemporaryName(place.name)) return false;
  // Most are files, and nothing is excluded.
  if (!isDirectory && excludes === undefined) return true;
  const path = place.dir === "" ? place.name : `${place.dir}/${place.name}`;
  if (excludes?.(path, isDirectory) === true) return false;
  if (!isDirectory) return true;
  if (isSkipped(skip, place.prefix + place.name, looked)) return false;
  const isElsewhere = device !== scan.rootDevice || (attributes & mountRoot) !== 0;
  if (oneFileSystem && isElsewhere) noteLeftOut(scan.options.findings, place.prefix + place.name);
  else scan.subdirectories.push(path);
  return true;
}

/** Tells why an entry could not be looked at. */
export function tellFailedLook(path: string, errno: number, onProblem: (problem: ScanProblem) => void): void {
  onProblem(problemOf(path, filesystemError("look at", path, errno)));
}

/** What is told of a path that failed with `error`. @throws what is no HoldfastError */
export function problemOf(path: string, error: unknown): ScanProblem {
  if (!isHoldfastError(error)) throw error;
  return { path, kind: String(error.detail["errno"] ?? error.kind), message: error.message };
}
