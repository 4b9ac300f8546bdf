import { formatLimits } from "#shared/format/limits.ts";
import { packHeaderBytes, packSessionRowBytes, packTrailerBytes } from "#shared/format/pack.ts";
import type { PackKind } from "#shared/format/segment.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { countRows } from "#shared/log/resolve-row.ts";
import {
  type CompactionGroup,
  type CompactionLimits,
  type CompactionPlan,
  defaultCompactionLimits,
  type PackToCompact,
} from "./compaction-plan.ts";
import type { CountedPack } from "./pack-census.ts";
import type { ReadPackCensus } from "./read-pack-census.ts";

/** Rows and packs of one group at most, so that what a log entry says of it takes 4 MiB at most. */
const groupRowsMax = 40_000;
const groupPacksMax = 4096;
/** Bytes of a pack beside its rows. */
const frameBytes = packHeaderBytes + packSessionRowBytes + packTrailerBytes;

/**
 * Plans which packs are compacted, and into what. Reads nothing.
 *
 * *Sparse* packs, of whose bytes much is needed by no live snapshot, go for what they free: all below `sparseShare`, then those with the
 * most waste until all waste is at most `wasteShare`. *Small* packs go to be merged: as many requests less for whoever opens
 * the store or restores from it. A merged pack is at least twice as large as the largest that went into it, so that no segment is copied
 * for that reason more often than sizes can double. Packs of one kind make one new pack of about the target size.
 *
 * Passed over: packs that are condemned or were swept; those that were relocated once, for they cannot be again; those that nobody needs,
 * for they are condemned as they are; those of states that could not be read.
 *
 * Meta packs come first, then the packs with the most waste, until `readBytesMax`.
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
  const candidates: PackToCompact[] = [];
  for (const pack of census.packs(log)) {
    const { packId } = pack;
    if (pack.liveRowCount === 0 || log.condemned.has(packId) || log.swept.has(packId)) continue;
    needed.packs++;
    needed.liveBytes += pack.liveBytes;
    needed.deadBytes += pack.deadBytes;
    if (log.relocated.has(packId) || pack.liveRowCount > groupRowsMax) continue;
    const candidate = candidateOf(pack, packBytes, limits);
    if (candidate !== undefined) candidates.push(candidate);
  }
  const groups: CompactionGroup[] = [];
  const left = { packs: 0, bytes: 0 };
  if (blind.length === 0) {
    const sparse = sparsePacks(candidates, needed, limits);
    const chosen = candidates.flatMap((each): PackToCompact[] => {
      if (sparse.has(each)) return [each];
      return isSmall(each, packBytes, limits) ? [{ ...each, why: "small" }] : [];
    });
    let readBytes = 0;
    for (const kind of ["meta", "data"] as const) {
      const ofKind = chosen.filter((each) => each.kind === kind);
      for (const group of groupPacks(kind, ofKind, packBytes, limits)) {
        const bytes = group.packs.reduce((sum, each) => sum + each.sizeBytes, 0);
        if (readBytes + bytes <= limits.readBytesMax) {
          readBytes += bytes;
          groups.push(group);
        } else {
          left.packs += group.packs.length;
          left.bytes += bytes;
        }
      }
    }
  }
  return { ...totals(groups), needed, left, unreadable: blind };
}

function isLive(log: LogState, stateId: Parameters<LogState["snapshots"]["get"]>[0]): boolean {
  const record = log.snapshots.get(stateId);
  return record !== undefined && record.removed === undefined;
}

/** Of a pack: what would be compacted, if it may be worth it. */
function candidateOf(pack: CountedPack, packBytes: number, limits: CompactionLimits): PackToCompact | undefined {
  const { packId, kind, sizeBytes, rowCount, liveBytes, deadBytes } = pack;
  const wasteful = deadBytes >= limits.freedBytesMin && deadBytes >= sizeBytes * (limits.wasteShare / 2);
  if (!wasteful && !isSmall(pack, packBytes, limits)) return undefined;
  const rows = rowsToCopy(pack.liveRows, rowCount);
  // A snapshot that references rows beyond the table keeps the pack as it is: check tells of it.
  if (countRows(rows) !== countRows(pack.liveRows)) return undefined;
  return {
    packId,
    kind,
    sizeBytes,
    rows,
    rowCount: pack.liveRowCount,
    liveBytes,
    tableCheck: pack.tableCheck.slice(),
    why: wasteful ? "sparse" : "small",
  };
}

function isSmall(
  { kind, liveBytes }: Pick<PackToCompact, "kind" | "liveBytes">,
  packBytes: number,
  limits: CompactionLimits,
): boolean {
  return liveBytes < packBytes * limits.smallShare[kind];
}

/** The bitmap without bits beyond the table, and without zeros at its end. */
function rowsToCopy(liveRows: Uint8Array, rowCount: number): Uint8Array {
  const rows = liveRows.slice(0, Math.ceil(rowCount / 8));
  const last = rows.length - 1;
  if (rows.length * 8 > rowCount) rows[last] = (rows[last] ?? 0) & ((1 << (rowCount & 7)) - 1);
  let length = rows.length;
  while (length > 0 && rows[length - 1] === 0) length--;
  return rows.slice(0, length);
}

function shareOf({ liveBytes, sizeBytes }: PackToCompact): number {
  return liveBytes / sizeBytes;
}

/** The packs that go for their waste: the share of waste decides, not the order in which they came. */
function sparsePacks(
  candidates: readonly PackToCompact[],
  needed: { readonly liveBytes: number; readonly deadBytes: number },
  limits: CompactionLimits,
): ReadonlySet<PackToCompact> {
  const sparse = candidates.filter((each) => each.why === "sparse").sort((one, other) => shareOf(one) - shareOf(other));
  const wasteMax = limits.wasteShare * (needed.liveBytes + needed.deadBytes);
  let waste = needed.deadBytes;
  const chosen = new Set<PackToCompact>();
  for (const pack of sparse) {
    if (shareOf(pack) >= limits.sparseShare && waste <= wasteMax) break;
    waste -= pack.sizeBytes - pack.liveBytes;
    chosen.add(pack);
  }
  return chosen;
}

/** Groups packs of one kind, given by age: old with old where they go for their waste, small with small where they are merged. */
function* groupPacks(
  kind: PackKind,
  packs: readonly PackToCompact[],
  packBytes: number,
  limits: CompactionLimits,
): Generator<CompactionGroup, void, undefined> {
  const sparse = packs.filter((each) => each.why === "sparse");
  const small = packs.filter((each) => each.why === "small").sort((one, other) => one.liveBytes - other.liveBytes);
  let open = new OpenGroup(kind);
  for (const pack of [...sparse, ...small]) {
    if (!open.takes(pack)) {
      yield* open.close();
      open = new OpenGroup(kind);
    }
    open.add(pack);
    if (open.newBytes >= packBytes) {
      yield* open.close();
      open = new OpenGroup(kind);
    }
  }
  yield* open.trimmed(limits.mergePacksMin).close();
}

/** A group that is being filled. */
class OpenGroup {
  readonly #kind: PackKind;
  readonly #packs: PackToCompact[] = [];
  #rows = 0;
  newBytes = frameBytes;

  constructor(kind: PackKind) {
    this.#kind = kind;
  }

  takes(pack: PackToCompact): boolean {
    return (
      this.#packs.length < groupPacksMax &&
      this.#rows + pack.rowCount <= groupRowsMax &&
      this.newBytes + pack.liveBytes + packSessionRowBytes * pack.rowCount <= formatLimits.packBytes
    );
  }

  add(pack: PackToCompact): void {
    this.#packs.push(pack);
    this.#rows += pack.rowCount;
    this.newBytes += pack.liveBytes;
  }

  /** The last group of a kind, which is not full: without the largest of those that it would merge, until that is worth it. */
  trimmed(mergePacksMin: number): OpenGroup {
    const sparse = this.#packs.filter((each) => each.why === "sparse");
    const small = this.#packs.filter((each) => each.why === "small");
    const ofSparse = sparse.reduce((sum, each) => sum + each.liveBytes, 0);
    let total = this.newBytes - frameBytes;
    for (let last = small.at(-1); last !== undefined; last = small.at(-1)) {
      const enough = small.length >= mergePacksMin || (ofSparse > 0 && small.length > 0);
      if (enough && total >= 2 * last.liveBytes) break;
      small.pop();
      total -= last.liveBytes;
    }
    const group = new OpenGroup(this.#kind);
    for (const pack of [...sparse, ...small]) group.add(pack);
    return group;
  }

  *close(): Generator<CompactionGroup, void, undefined> {
    if (this.#packs.length > 0) yield { kind: this.#kind, packs: this.#packs, newBytes: this.newBytes };
  }
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
  // A get for each pack; a put and a head for each new one; now and then a log entry, with a listing and a get.
  const entries = groups.length === 0 ? 0 : 1 + Math.floor(groups.length / 64);
  const requests = { gets: packs.length + entries, puts: groups.length + 2 * entries, heads: groups.length };
  return { groups, packs, bytesToRead, bytesToWrite, bytesFreed: Math.max(0, bytesToRead - bytesToWrite), requests };
}
