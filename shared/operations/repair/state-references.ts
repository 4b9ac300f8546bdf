import type { PackId } from "#shared/format/ids.ts";
import type { PackReference } from "#shared/format/state.ts";
import { type PackRow, resolveRow, rowsOf } from "#shared/log/resolve-row.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { SegmentReferences } from "#shared/repository/segment-references.ts";

/** The segments to which a state refers, as they are read now. */
export function segmentsOf(repository: Repository, references: readonly PackReference[]): SegmentReferences {
  const { segments } = repository;
  const marked = new SegmentReferences();
  for (const { packId, row } of rowsNow(repository, references)) {
    const pack = segments.findPack(packId);
    if (pack !== undefined && row < pack.segmentCount) marked.mark(pack.firstSegment + row);
  }
  return marked;
}

/** Those of some packs in which a state has segments now. */
export function packsAmong(
  repository: Repository,
  references: readonly PackReference[],
  packs: { readonly has: (packId: PackId) => boolean },
): PackId[] {
  const found = new Set<PackId>();
  for (const { packId } of rowsNow(repository, references)) if (packs.has(packId)) found.add(packId);
  return [...found];
}

/** The table of segments does not know packs that were placed, emptied again and swept: the log leads through them. */
function* rowsNow({ log }: Repository, references: readonly PackReference[]): Generator<PackRow, void, undefined> {
  for (const { packId, segments } of references) for (const row of rowsOf(segments)) yield resolveRow(log, packId, row);
}
