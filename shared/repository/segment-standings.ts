import type { PackId } from "#shared/format/ids.ts";
import { resolveRow, rowsOf } from "#shared/log/resolve-row.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { KnownPack, SegmentsLog } from "./segment-table.ts";

/** Of a segment: whether it may be relied on, is only still readable, or is lost for good, for its pack was swept. */
export type SegmentStanding = "live" | "condemned" | "gone";

const standings: readonly SegmentStanding[] = ["live", "condemned", "gone"];
const live = 0;
const condemned = 1;
const gone = 2;

/** The packs of a segment table. */
type Packs = {
  readonly packs: readonly KnownPack[];
  readonly count: number;
  findPack(packId: PackId): KnownPack | undefined;
};

/**
 * What one fold of the log says of each segment of a table: where it is read, and how it stands there.
 *
 * Memory: 4 bytes a segment when anything is relocated, and one more.
 */
export class SegmentStandings {
  readonly #current: Uint32Array | undefined;
  readonly #standings: Uint8Array;

  constructor(packs: Packs, log: SegmentsLog) {
    this.#standings = new Uint8Array(packs.count);
    for (const { packId, firstSegment, segmentCount } of packs.packs) {
      const standing = log.swept.has(packId) ? gone : log.condemned.has(packId) ? condemned : live;
      if (standing !== live) this.#standings.fill(standing, firstSegment, firstSegment + segmentCount);
    }
    if (log.relocated.size > 0) this.#current = this.#followRelocations(packs, log);
  }

  /** The ordinal under which a segment is read. One that was not known then stands for itself. */
  current(ordinal: number): number {
    return this.#current?.[ordinal] ?? ordinal;
  }

  /** How a segment stands where it is read. One that was not known then is live. */
  standing(ordinal: number): SegmentStanding {
    return standings[this.#standings[ordinal] ?? live] ?? "live";
  }

  #followRelocations(packs: Packs, log: SegmentsLog): Uint32Array {
    const current = new Uint32Array(packs.count);
    for (let ordinal = 0; ordinal < current.length; ordinal++) current[ordinal] = ordinal;
    const moved: number[] = [];
    for (const { packId, firstSegment, segmentCount } of packs.packs) {
      const relocation = log.relocated.get(packId);
      if (relocation === undefined) continue;
      let run = 0;
      let taken = 0;
      for (const row of rowsOf(relocation.segments)) {
        while (taken >= (relocation.runs[run]?.rows ?? Number.MAX_SAFE_INTEGER)) [run, taken] = [run + 1, 0];
        const to = relocation.runs[run];
        // A bitmap may mark rows that the pack does not have: nothing refers to them.
        if (to === undefined || row >= segmentCount) break;
        const target = packs.findPack(to.packId);
        const ordinal = firstSegment + row;
        moved.push(ordinal);
        const toRow = to.firstRow + taken;
        if (target === undefined || toRow >= target.segmentCount) this.#leap(ordinal, current, packs, log, packId);
        else current[ordinal] = target.firstSegment + toRow;
        taken++;
      }
    }
    for (const ordinal of moved) this.#settle(ordinal, current);
    for (const ordinal of moved) this.#standings[ordinal] = this.#standings[current[ordinal] ?? ordinal] ?? gone;
    return current;
  }

  /** Follows a row through packs that were swept since, whose tables are not known any more. */
  #leap(ordinal: number, current: Uint32Array, packs: Packs, log: SegmentsLog, packId: PackId): void {
    const first = packs.findPack(packId)?.firstSegment ?? 0;
    const end = resolveRow(log, packId, ordinal - first);
    const target = packs.findPack(end.packId);
    if (target !== undefined && end.row < target.segmentCount) current[ordinal] = target.firstSegment + end.row;
    else this.#standings[ordinal] = gone;
  }

  /** Leads a moved segment to the end of its way. */
  #settle(ordinal: number, current: Uint32Array): void {
    let at = ordinal;
    for (let hops = 0; hops <= current.length; hops++) {
      const next = current[at] ?? at;
      if (next === at) {
        current[ordinal] = at;
        return;
      }
      at = next;
    }
    throw new HoldfastError("internal", `Cannot find segment ${ordinal}: its relocations go in a circle`);
  }
}
