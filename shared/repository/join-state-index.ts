import { indexRowBytes } from "#shared/format/index-section.ts";
import { packTableRowBytes } from "#shared/format/pack.ts";
import type { StateHead } from "#shared/format/state.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { SegmentTable } from "./segment-table.ts";

/** Renumbers, in place, the segments of a state's index rows from the state's own order to that of the segment table. */
export function joinStateIndex(rows: Uint8Array, head: Pick<StateHead, "packs">, segments: SegmentTable): Uint8Array {
  const ordinals: number[] = [];
  for (const pack of head.packs) {
    const known = segments.findPack(pack.packId);
    if (known === undefined) throw new HoldfastError("internal", `Cannot number the segments of pack ${pack.packId}`);
    const count = pack.table.byteLength / packTableRowBytes;
    for (let row = 0; row < count; row++) ordinals.push(known.firstSegment + row);
  }
  const base = ordinals[0] ?? 0;
  const isShift = ordinals.every((ordinal, index) => ordinal === base + index);
  if (isShift && base === 0) return rows;
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  for (let at = 20; at < rows.byteLength; at += indexRowBytes) {
    view.setUint32(at, ordinals[view.getUint32(at, true)] ?? 0, true);
  }
  return rows;
}
