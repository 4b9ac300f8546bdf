import { blockDigestBytes } from "#shared/connectors/importer.ts";
import type { BlobId } from "#shared/format/ids.ts";
import type { Repository } from "#shared/repository/repository.ts";
import type { KnownBlock, KnownLeaves } from "./known-leaves.ts";

/** Milliseconds after which a tree is gone through again: that reads its nodes, and stores again those that are damaged. */
const trustedMs = 24 * 60 * 60 * 1000;

/** Known leaves of the very tree that a backup compares with, as far as all that they need is in the store and stays there. */
export type UsableLeaves = {
  /** What a digest is that no block has stands for those that cannot be used. */
  readonly leaves: KnownLeaves;
  /** The ordinals of the segments that a block needs. */
  segmentsOf(block: KnownBlock): Uint32Array;
  digestOf(number: number): Uint8Array;
  /** The ordinals of the segments that inner nodes lie in, by their ids. */
  readonly inner: ReadonlyMap<BlobId, number>;
};

/**
 * What of known leaves a backup may take over without a look at the tree; undefined for nothing.
 *
 * @param root - the root node of the tree that the backup compares with
 * @param isSafe - whether a segment, by its ordinal, may be built on
 */
export function usableLeaves(
  known: KnownLeaves | undefined,
  repository: Repository,
  { root, isSafe }: { readonly root: BlobId; readonly isSafe: ((segment: number) => boolean) | undefined },
): UsableLeaves | undefined {
  if (known === undefined || known.root !== root || known.storeId !== repository.config.storeId) return undefined;
  const ageMs = repository.clock.nowMs() - known.comparedMs;
  if (ageMs < 0 || ageMs > trustedMs) return undefined;
  // With a state that cannot be read blobs are lost that lie in packs that are there.
  if (repository.problems.length > 0) return undefined;
  const packs = known.packs.map((packId) => repository.segments.findPack(packId));
  const segmentsOf = ({ segments }: Pick<KnownBlock, "segments">): Uint32Array => {
    const ordinals = new Uint32Array(segments.length / 2);
    for (let at = 0; at < ordinals.length; at++)
      ordinals[at] = (packs[segments[2 * at] ?? 0]?.firstSegment ?? 0) + (segments[2 * at + 1] ?? 0);
    return ordinals;
  };
  const isUsable = ({ segments }: Pick<KnownBlock, "segments">): boolean => {
    for (let at = 0; at < segments.length; at += 2) {
      const pack = packs[segments[at] ?? 0];
      const row = segments[at + 1] ?? 0;
      if (pack === undefined || row >= pack.segmentCount || isSafe?.(pack.firstSegment + row) === false) return false;
    }
    return true;
  };
  const inner = new Map<BlobId, number>();
  for (const node of known.inner) {
    const [segment] = isUsable(node) ? segmentsOf(node) : [];
    if (segment !== undefined) inner.set(node.nodeId, segment);
  }
  let { digests } = known;
  for (const [number, block] of known.blocks.entries()) {
    if (isUsable(block)) continue;
    if (digests === known.digests) digests = digests.slice();
    digests.fill(0, number * blockDigestBytes, (number + 1) * blockDigestBytes);
  }
  return {
    leaves: digests === known.digests ? known : { ...known, digests },
    segmentsOf,
    inner,
    digestOf: (number) => known.digests.slice(number * blockDigestBytes, (number + 1) * blockDigestBytes),
  };
}
