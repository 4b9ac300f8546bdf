import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import type { BlobId, PackId } from "#shared/format/ids.ts";
import type { KnownBlock, KnownLeaves } from "./known-leaves.ts";
import type { RecordedTree } from "./leaf-recorder.ts";
import type { SessionWriter } from "./session-writer.ts";
import type { UsableLeaves } from "./usable-leaves.ts";

/**
 * What there is to remember of a tree once the packs of its session are stored: undefined when that is what was known already.
 *
 * @param root - the root node of the tree
 */
export function leavesToRemember(
  { blocks, inner }: RecordedTree,
  { root, session, known }: { root: BlobId; session: SessionWriter; known: UsableLeaves | undefined },
): KnownLeaves | undefined {
  if (
    known?.leaves.root === root &&
    blocks.length === known.leaves.blocks.length &&
    inner.length === known.leaves.inner.length &&
    blocks.every((each) => "kept" in each)
  )
    return undefined;
  const packs = new PackNumbers(session);
  const digests: Uint8Array[] = [];
  const remembered: KnownBlock[] = [];
  for (const block of blocks) {
    if ("kept" in block) {
      const old = known?.leaves.blocks[block.kept];
      if (known === undefined || old === undefined) continue;
      digests.push(known.digestOf(block.kept));
      remembered.push({ ...old, segments: packs.pairsOf(known.segmentsOf(old)) });
    } else {
      const { digest, leaves, closed, segments } = block;
      digests.push(digest);
      remembered.push({ leaves, closed, segments: packs.pairsOf(segments) });
    }
  }
  const { storeId } = session.repository.config;
  const comparedMs = known?.leaves.comparedMs ?? session.repository.clock.nowMs();
  return {
    storeId,
    root,
    comparedMs,
    blocks: remembered,
    inner: inner.map(({ nodeId, segment }) => ({ nodeId, segments: packs.pairsOf([segment]) })),
    digests: concatBytes(...digests),
    packs: packs.ids,
  };
}

/** Numbers packs as they are met, and says of segments in which of them they lie. */
class PackNumbers {
  readonly ids: PackId[] = [];
  readonly #numbers = new Map<PackId, number>();
  readonly #session: SessionWriter;
  /** The places of the session's own segments. */
  readonly #own = new Map<number, { readonly packId: PackId; readonly row: number }>();

  constructor(session: SessionWriter) {
    this.#session = session;
    for (const { packId, ordinals } of session.packs.packs)
      for (const [row, ordinal] of ordinals.entries()) this.#own.set(ordinal, { packId, row });
  }

  pairsOf(ordinals: ArrayLike<number>): Uint32Array {
    const pairs = new Uint32Array(2 * ordinals.length);
    for (let index = 0; index < ordinals.length; index++) {
      const { packId, row } = this.#place(ordinals[index] ?? 0);
      pairs[2 * index] = this.#numberOf(packId);
      pairs[2 * index + 1] = row;
    }
    return pairs;
  }

  #place(ordinal: number): { readonly packId: PackId; readonly row: number } {
    const own = this.#own.get(ordinal);
    if (own !== undefined) return own;
    const pack = this.#session.repository.segments.packOf(ordinal);
    return { packId: pack.packId, row: ordinal - pack.firstSegment };
  }

  #numberOf(packId: PackId): number {
    let number = this.#numbers.get(packId);
    if (number === undefined) {
      number = this.ids.push(packId) - 1;
      this.#numbers.set(packId, number);
    }
    return number;
  }
}
