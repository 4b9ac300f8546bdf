import type { ScanProblem } from "#shared/connectors/importer.ts";
import type { ScanKernel } from "./kernel/scan-kernel.ts";
import { type ScanBatch, ScanPacker } from "./scan-batch.ts";
import { type ScanKey, type ScanOptions, type ScanPlace, scanTree } from "./scan-tree.ts";

/** How a range came out. */
export type ScannedRange = {
  readonly place: ScanPlace;
  readonly uids: ReadonlySet<number>;
  readonly gids: ReadonlySet<number>;
};

/**
 * Scans a range of a tree and packs it to batches, which it yields: each with what of it may be transferred to another thread. Between records it yields
 * undefined, for whoever must not be kept long.
 *
 * @throws {HoldfastError} the root cannot be looked at
 */
export function* scanRange(
  options: ScanOptions,
  { known, kernel }: { readonly known: Uint8Array | undefined; readonly kernel: ScanKernel | undefined },
  range: { readonly from: ScanPlace | undefined; readonly to: ScanKey | undefined },
): Generator<{ batch: ScanBatch; transfer: ArrayBuffer[] } | undefined, ScannedRange> {
  const packer = new ScanPacker(known, kernel);
  const uids = new Set<number>();
  const gids = new Set<number>();
  let uid = -1;
  let gid = -1;
  let count = 0;
  const onProblem = (problem: ScanProblem): void => packer.addProblem(problem);
  const onOwner = (owner: number, group: number): void => {
    uids.add(owner);
    gids.add(group);
  };
  const packing = kernel === undefined ? undefined : { kernel, packer, onOwner };
  const records = scanTree(options, { onProblem, packing }, range);
  let place: ScanPlace | undefined;
  try {
    for (let step = records.next(); place === undefined; step = records.next()) {
      if (step.done === true) {
        place = step.value;
        break;
      }
      const record = step.value;
      if (record !== undefined) {
        packer.add(record);
        if (record.uid !== uid) uids.add((uid = record.uid));
        if (record.gid !== gid) gids.add((gid = record.gid));
      }
      if (packer.full) yield packer.take();
      else if (record === undefined || (++count & recordsPerPause) === 0) yield undefined;
    }
  } finally {
    // Closes the directory at hand of a scan that is given up.
    if (place === undefined) records.return({ dir: undefined, name: "", found: [], rest: [] });
  }
  packer.endBlock();
  if (!packer.empty) yield packer.take();
  return { place, uids, gids };
}

/** Records between two pauses, less one; a power of two less one. */
const recordsPerPause = 127;
