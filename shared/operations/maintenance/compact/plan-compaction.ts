import type { PackKind } from "#shared/format/segment.ts";
import type { StateId } from "#shared/format/ids.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { countRows } from "#shared/log/resolve-row.ts";
import {
  type CompactionGroup,
  type CompactionLimits,
  type CompactionPlan,
  defaultCompactionLimits,
  type PackToCompact,
} from "./compaction-plan.ts";
import { groupPacks, groupRowsMax } from "./group-packs.ts";
import type { CountedPack } from "./pack-census.ts";
import type { ReadPackCensus } from "./read-pack-census.ts";
import { WasteByShare } from "./waste-by-share.ts";

/**
 * Plans which packs are compacted, and into what. Reads nothing.
 *
 * *Sparse* packs, of whose bytes much is needed by no live snapshot, go for what they free: those with the smallest share first; all
 * below `sparseShare`, then more until all waste is at most `wasteShare`. *Small* packs go to be merged: as many requests less for whoever
 * opens the store or restores from it. Packs of one kind make one new pack of about the target size (see `groupPacks`).
 *
 * Passed over: packs that are condemned or were swept; those that were relocated once, for they cannot be again; those that nobody needs,
 * for they are condemned as they are; those of states that could not be read.
 *
 * Meta packs come first, and within a kind the older before the newer, until `readBytesMax`.
 * Memory: about 500 bytes for each pack that goes, of which there are `packsMax` at most.
 *
 * @param options.log - the fold that the census was taken at
 * @param options.packBytes - target size of packs, of `config`
 */
export function planCompaction(
  { census, unreadable }: ReadPackCensus,
  options: { readonly log: LogState; readonly packBytes: number; readonly limits?: Partial<CompactionLimits> },
): CompactionPlan {
  const { log, packBytes } = options;
  const limits = { ...defaultCompactionLimits(packBytes), ...options.limits };
  const blind = unreadable.map((each) => each.stateId).filter((each) => isLive(log, each));
  const needed = { packs: 0, liveBytes: 0, deadBytes: 0 };
  const waste = new WasteByShare();
  for (const pack of census.packs(log)) {
    if (!isNeeded(log, pack)) continue;
    needed.packs++;
    needed.liveBytes += pack.liveBytes;
    needed.deadBytes += pack.deadBytes;
    if (mayGo(log, pack) && isWasteful(pack, limits)) waste.add(pack);
  }
  if (blind.length > 0) return { ...totals([]), needed, left: { packs: 0, bytes: 0 }, unreadable: blind };

  const sparse = waste.choose({
    share: limits.sparseShare,
    wasteBytes: needed.deadBytes - limits.wasteShare * (needed.liveBytes + needed.deadBytes),
    packsMax: limits.packsMax,
    sizeBytesMax: limits.readBytesMax,
  });
  const chosen: PackToCompact[] = [];
  const leftSmall = { packs: 0, bytes: 0 };
  for (const pack of census.packs(log)) {
    if (!isNeeded(log, pack) || !mayGo(log, pack)) continue;
    const verdict = isWasteful(pack, limits) ? sparse.judge(pack) : "stays";
    if (verdict === "left") continue;
    const isSparse = verdict === "goes";
    if (!isSparse && pack.liveBytes >= packBytes * limits.smallShare[pack.kind]) continue;
    if (isSparse || chosen.length < limits.packsMax) chosen.push(packToCompact(pack, isSparse ? "sparse" : "small"));
    else {
      leftSmall.packs++;
      leftSmall.bytes += pack.sizeBytes;
    }
  }
  const left = { packs: sparse.left.packs + leftSmall.packs, bytes: sparse.left.bytes + leftSmall.bytes };
  const groups: CompactionGroup[] = [];
  let readBytes = 0;
  for (const group of [...groupsOf("meta", chosen), ...groupsOf("data", chosen)]) {
    const bytes = group.packs.reduce((sum, each) => sum + each.sizeBytes, 0);
    if (readBytes + bytes <= limits.readBytesMax) {
      readBytes += bytes;
      groups.push(group);
    } else {
      left.packs += group.packs.length;
      left.bytes += bytes;
    }
  }
  return { ...totals(groups), needed, left, unreadable: [] };

  function groupsOf(kind: PackKind, packs: readonly PackToCompact[]): CompactionGroup[] {
    const ofKind = packs.filter((each) => each.kind === kind);
    return [...groupPacks(kind, ofKind, { packBytes, mergePacksMin: limits.mergePacksMin })];
  }
}

function isLive(log: LogState, stateId: StateId): boolean {
  const record = log.snapshots.get(stateId);
  return record !== undefined && record.removed === undefined;
}

function isNeeded(log: LogState, { packId, liveRowCount }: CountedPack): boolean {
  return liveRowCount > 0 && !log.condemned.has(packId) && !log.swept.has(packId);
}

/**
 * Whether the rules let it go, in one group. A snapshot that references rows beyond the table keeps the pack as it is: check tells of it.
 */
function mayGo(log: LogState, { packId, liveRows, liveRowCount }: CountedPack): boolean {
  return liveRowCount <= groupRowsMax && !log.relocated.has(packId) && countRows(liveRows) === liveRowCount;
}

function isWasteful({ sizeBytes, deadBytes }: CountedPack, limits: CompactionLimits): boolean {
  return deadBytes >= limits.freedBytesMin && deadBytes >= sizeBytes * (limits.wasteShare / 2);
}

function packToCompact(pack: CountedPack, why: PackToCompact["why"]): PackToCompact {
  const { packId, kind, sizeBytes, liveRows, liveRowCount, liveBytes } = pack;
  let length = liveRows.length;
  while (length > 0 && liveRows[length - 1] === 0) length--;
  const rows = liveRows.slice(0, length);
  return { packId, kind, sizeBytes, rows, rowCount: liveRowCount, liveBytes, tableCheck: pack.tableCheck.slice(), why };
}

function totals(
  groups: readonly CompactionGroup[],
): Pick<CompactionPlan, "groups" | "packs" | "bytesToRead" | "bytesToWrite" | "bytesFreed" | "requests"> {
  let [bytesToRead, bytesToWrite] = [0, 0];
  const packs: PackToCompact["packId"][] = [];
  for (const group of groups) {
    bytesToWrite += group.newBytes;
    for (const pack of group.packs) {
      packs.push(pack.packId);
      bytesToRead += pack.sizeBytes;
    }
  }
  // A get for each pack; a put and a head for each new one; now and then a log entry: a listing, which costs as much as a put, and a put.
  const entries = groups.length === 0 ? 0 : 1 + Math.floor(groups.length / 64);
  const requests = { gets: packs.length, puts: groups.length + 3 * entries, heads: groups.length };
  return { groups, packs, bytesToRead, bytesToWrite, bytesFreed: Math.max(0, bytesToRead - bytesToWrite), requests };
}
