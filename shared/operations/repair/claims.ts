import { indexRowBytes } from "#shared/format/index-section.ts";
import type { PackId } from "#shared/format/ids.ts";
import type { SegmentTable } from "#shared/repository/segment-table.ts";
import { comparePrefixes, mergeIndexRows } from "#shared/repository/merge-index-rows.ts";
import { indexRowsOfPacks } from "#shared/repository/index-rows-of-packs.ts";
import type { Restatement } from "./repair-plan.ts";
import type { Survey } from "./survey.ts";

/** Which of the packs that no whole state adds are added by which new state, and what follows from that. */
export type Claims = {
  /** For each restatement, in their order, the packs that its state adds; those first whose copies of a blob its index keeps. */
  readonly packs: readonly (readonly PackId[])[];
  /**
   * The index of a state tells of one copy of each blob. So whoever refers to a segment has to refer to those too, in which the index
   * finds what it has in common with others: ordinals by ordinals.
   */
  readonly kept: ReadonlyMap<number, ReadonlySet<number>>;
};

/** Decides which new state adds which packs: the first that refers to them. The first of all takes in those that sound states refer to. */
export function planClaims(restatements: readonly Restatement[], survey: Survey, segments: SegmentTable): Claims {
  const claimed = new Set<PackId>();
  const homeless = new Set(survey.homelessPacks);
  // Sound states refer to homeless packs and are not made anew: it is their copies that the index tells of.
  const rankOf = (packId: PackId): number => (survey.leavingPacks.has(packId) ? 2 : homeless.has(packId) ? 0 : 1);
  const packs = restatements.map(({ needs }, index) => {
    const wanted = new Set<PackId>();
    for (const segment of needs.segments) wanted.add(segments.packOf(segment).packId);
    if (index === 0) for (const packId of homeless) wanted.add(packId);
    const added = [...wanted].filter((packId) => survey.loosePacks.has(packId) && !claimed.has(packId));
    for (const packId of added) claimed.add(packId);
    return added.sort((left, right) => rankOf(left) - rankOf(right));
  });
  const kept = new Map<number, Set<number>>();
  for (const added of packs) noteKept(kept, added, survey, segments);
  return { packs, kept };
}

function noteKept(
  kept: Map<number, Set<number>>,
  packs: readonly PackId[],
  survey: Survey,
  segments: SegmentTable,
): void {
  if (packs.length < 2) return;
  const runs = packs.map((packId) => {
    const directories = survey.loosePacks.get(packId)?.directories ?? [];
    return indexRowsOfPacks([{ directories, firstSegment: segments.findPack(packId)?.firstSegment ?? 0 }]);
  });
  const rows = mergeIndexRows(runs, { copies: "keep" });
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  const segmentAt = (at: number): number => segments.current(view.getUint32(at + 20, true));
  for (let at = indexRowBytes, first = 0; at < rows.byteLength; at += indexRowBytes) {
    if (comparePrefixes(rows, first, rows, at) !== 0) first = at;
    else {
      const [dropped, survivor] = [segmentAt(at), segmentAt(first)];
      if (dropped === survivor) continue;
      const known = kept.get(dropped);
      if (known === undefined) kept.set(dropped, new Set([survivor]));
      else known.add(survivor);
    }
  }
}
