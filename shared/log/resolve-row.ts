import { HoldfastError } from "#shared/errors.ts";
import type { Relocation } from "#shared/format/fold-section.ts";
import type { PackId } from "#shared/format/ids.ts";
import type { PackReference } from "#shared/format/state.ts";
import type { LogState } from "./log-state.ts";

/** A row of the table of a pack: names one segment. */
export type PackRow = { readonly packId: PackId; readonly row: number };

/**
 * Where the segment is to be read that was stored as row `row` of pack `packId`: there, or where relocations have moved it.
 *
 * The same for everyone who has folded the same entries. A segment that no relocation names stays where it is, also when others of
 * its pack were moved. Ends, because a relocation moves segments to packs that no relocation named before.
 *
 * @see FORMAT.md, Relocation
 */
export function resolveRow(state: Pick<LogState, "relocated">, packId: PackId, row: number): PackRow {
  let at: PackRow = { packId, row };
  for (let hops = 0; hops <= state.relocated.size; hops++) {
    const relocation = state.relocated.get(at.packId);
    const next = relocation === undefined ? undefined : movedTo(relocation, at.row);
    if (next === undefined) return at;
    at = next;
  }
  throw new HoldfastError("internal", `Cannot find row ${row} of pack ${packId}: its relocations go in a circle`);
}

/**
 * The packs in which the segments of `references` are to be read. A pack that is referenced without any row counts as it is.
 */
export function resolvePacks(
  state: Pick<LogState, "relocated">,
  references: Iterable<PackReference>,
): ReadonlySet<PackId> {
  const packs = new Set<PackId>();
  for (const { packId, segments } of references) {
    if (state.relocated.has(packId))
      for (const row of rowsOf(segments)) packs.add(resolveRow(state, packId, row).packId);
    else packs.add(packId);
  }
  return packs;
}

/** The rows that a bitmap marks, ascending. */
export function* rowsOf(segments: Uint8Array): Generator<number, void, undefined> {
  for (const [byte, bits] of segments.entries())
    for (let bit = 0; bit < 8; bit++) if ((bits & (1 << bit)) !== 0) yield byte * 8 + bit;
}

/** How many rows a bitmap marks. */
export function countRows(segments: Uint8Array): number {
  let count = 0;
  for (let bits of segments) for (; bits !== 0; bits &= bits - 1) count++;
  return count;
}

function movedTo(relocation: Relocation, row: number): PackRow | undefined {
  const { segments, runs } = relocation;
  if (((segments[row >>> 3] ?? 0) & (1 << (row & 7))) === 0) return undefined;
  let rank = countRows(segments.subarray(0, row >>> 3));
  for (let bit = 0; bit < (row & 7); bit++) rank += ((segments[row >>> 3] ?? 0) >>> bit) & 1;
  for (const run of runs) {
    if (rank < run.rows) return { packId: run.packId, row: run.firstRow + rank };
    rank -= run.rows;
  }
  return undefined;
}
