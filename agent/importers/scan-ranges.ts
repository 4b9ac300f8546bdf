import type { KnownBlocks } from "#shared/connectors/importer.ts";
import { isBorder } from "#shared/tree/is-border.ts";
import type { ScanKey } from "./scan-tree.ts";

/** Known blocks of a range. A thread may be about so many ahead of whoever uses its records. */
const blocksPerRange = 32;
/** Leaves that end in one directory from which on it is not listed more than once. */
const leavesOfLarge = 4;

/**
 * Keys at which a scan may be cut, so that several threads share it; none for a small tree.
 *
 * Each is the end of a known block, in a directory that is not large, and below none that is: the range after it begins with a look at them all.
 */
export function scanRanges(known: KnownBlocks | undefined): ScanKey[] {
  const cuts: ScanKey[] = [];
  if (known === undefined) return cuts;
  const leavesIn = new Map<string, number>();
  for (const { leaves } of known.blocks)
    for (const { lastDir } of leaves) leavesIn.set(lastDir, (leavesIn.get(lastDir) ?? 0) + 1);
  const isSmall = (dir: string): boolean => {
    for (let end = dir.length; end > 0; end = dir.lastIndexOf("/", end - 1))
      if ((leavesIn.get(dir.slice(0, end)) ?? 0) >= leavesOfLarge) return false;
    return (leavesIn.get("") ?? 0) < leavesOfLarge;
  };
  let since = 0;
  for (const [index, { leaves }] of known.blocks.entries()) {
    since++;
    const last = leaves.at(-1);
    if (last === undefined || since < blocksPerRange || known.blocks.length - index < blocksPerRange / 2) continue;
    const { lastDir: dir, lastName: name } = last;
    if (!isBorder(dir, name, 0) || !isSmall(dir)) continue;
    cuts.push({ dir, name });
    since = 0;
  }
  return cuts;
}
