import { rewindDirectory } from "#agent/filesystem/list-directory.ts";
import { temporaryPrefix } from "#agent/filesystem/temporary-name.ts";
import { absent, type AbsentNames } from "./absent-names.ts";
import { looksMax, packStop, type ScanKernel } from "./kernel/scan-kernel.ts";
import { packState } from "./pack-memory.ts";
import type { ScanPacker } from "./scan-batch.ts";
import type { DirectoryScan } from "./scan-tree.ts";
import { takesEntry, tellFailedLook } from "./take-entry.ts";

/** Where the entries of directories go that are packed without a record of each. */
export type Packing = {
  readonly kernel: ScanKernel;
  /** Packs to the kernel's memory. */
  readonly packer: ScanPacker;
  /** Is told of owners and groups, each at least once. */
  readonly onOwner: (uid: number, gid: number) => void;
};

/** A directory that is open: relative to the root, as the beginning of the paths of its entries, and what is not found in it. */
export type PackedDirectory = {
  readonly fd: number;
  readonly dir: string;
  readonly prefix: string;
  readonly missing: AbsentNames;
};

/**
 * Does with a directory what `scanDirectory` does with the records that it yields, by the kernel. Yields now and then, and whenever the packer is full.
 *
 * @returns whether it did; otherwise nothing was done, and the directory can be read from its beginning
 */
export function* packDirectory(
  place: PackedDirectory,
  scan: DirectoryScan,
  { kernel, packer, onOwner }: Packing,
): Generator<undefined, boolean> {
  const { fd, dir } = place;
  const listed = kernel.list(fd, dir);
  if (listed === undefined) {
    rewindDirectory(fd);
    return false;
  }
  const { state } = kernel;
  state[packState.askAlways] = scan.options.excludes === undefined && !hasTemporary(kernel, listed) ? 0 : 1;
  const [begin, end] = stretch(kernel, listed, scan);
  for (let from = begin; from < end; from += looksMax) {
    const until = Math.min(from + looksMax, end);
    kernel.lookAt(fd, from, until);
    for (let index = from; index < until;) {
      let stop = packer.addLooked(kernel, dir, index, until);
      index = state[packState.next] ?? until;
      if (stop === packStop.ask) {
        stop = isTaken(kernel, index, place, scan) ? packer.addLooked(kernel, dir, index) : 0;
        index++;
      }
      if ((stop & packStop.ownerChanged) !== 0) onOwner(state[packState.uid] ?? 0, state[packState.gid] ?? 0);
      if (packer.full) yield;
    }
    yield;
  }
  place.missing.tell();
  return true;
}

/** Whether the names, which are in order, may hold temporary names of a restore. */
function hasTemporary(kernel: ScanKernel, listed: number): boolean {
  let [from, end] = [0, listed];
  while (from < end) {
    const middle = (from + end) >>> 1;
    if (kernel.name(middle) < temporaryPrefix) from = middle + 1;
    else end = middle;
  }
  return from < listed && kernel.name(from).startsWith(temporaryPrefix);
}

/** The names between the cuts: from where to where in the order. */
function stretch(kernel: ScanKernel, listed: number, { after, last }: DirectoryScan): [number, number] {
  let [begin, end] = [0, listed];
  if (after !== "") while (begin < end && kernel.name(begin) <= after) begin++;
  if (last !== undefined) while (end > begin && kernel.name(end - 1) > last) end--;
  return [begin, end];
}

/** Whether an entry that the kernel asks about is packed. */
function isTaken(
  kernel: ScanKernel,
  index: number,
  { fd, dir, prefix, missing }: PackedDirectory,
  scan: DirectoryScan,
): boolean {
  const name = kernel.name(index);
  if (kernel.looked(index).errno === absent) kernel.lookAgain(fd, index);
  const looked = kernel.looked(index);
  if (looked.errno === 0) return takesEntry(scan, { dir, name, prefix }, looked);
  if (looked.errno === absent) missing.note(name);
  else tellFailedLook(prefix + name, looked.errno, scan.onProblem);
  return false;
}
