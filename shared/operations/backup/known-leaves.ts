import { ByteReader } from "#shared/bytes/byte-reader.ts";
import { ByteWriter } from "#shared/bytes/byte-writer.ts";
import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { blockDigestBytes } from "#shared/connectors/importer.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { type BlobId, idFromBytes, idToBytes, type PackId, type StoreId } from "#shared/format/ids.ts";
import type { TreeChild } from "#shared/format/tree-node.ts";

/** A block of a scan and the leaves that it came to. */
export type KnownBlock = {
  /** Whole leaves, in order. */
  readonly leaves: readonly TreeChild[];
  /** Whether the last leaf ends there whatever follows. */
  readonly closed: boolean;
  /** The segments that the leaves and their content lie in: pairs of a number in `KnownLeaves.packs` and a row of that pack. */
  readonly segments: Uint32Array;
};

/**
 * What a host remembers of a tree that it backed up: which leaves came of which blocks of the scan, so that of blocks that a later scan finds
 * again neither records nor leaves need be looked at.
 *
 * Never the truth: where it is missing or does not fit, everything is compared entry by entry.
 */
export type KnownLeaves = {
  readonly storeId: StoreId;
  /** The root node of the tree. */
  readonly root: BlobId;
  /** When a backup last went through all of the tree entry by entry, milliseconds since 1970. */
  readonly comparedMs: number;
  readonly packs: readonly PackId[];
  /** The digests of the blocks, one after the other. */
  readonly digests: Uint8Array;
  readonly blocks: readonly KnownBlock[];
  /** Nodes above the leaves, as far as they are stored. */
  readonly inner: readonly KnownInner[];
};

/** A node above the leaves, and the segment that it lies in. */
export type KnownInner = { readonly nodeId: BlobId; readonly segments: Uint32Array };

const magic = Buffer.from("holdfast leaves\x03", "latin1");
const checksumBytes = 32;

/** The bytes of a file of known leaves; `decodeKnownLeaves` reads them. */
export function encodeKnownLeaves(known: KnownLeaves): Uint8Array {
  const writer = new ByteWriter(64 * 1024);
  writer.raw(magic);
  writer.raw(idToBytes(known.storeId));
  writer.raw(idToBytes(known.root));
  writer.varint(known.comparedMs);
  writer.varint(known.packs.length);
  for (const packId of known.packs) writer.raw(idToBytes(packId));
  writer.varint(known.blocks.length);
  writer.raw(known.digests);
  for (const { leaves, closed, segments } of known.blocks) {
    writer.u8(closed ? 1 : 0);
    writer.varint(leaves.length);
    for (const leaf of leaves) {
      writer.raw(leaf.nodeId);
      writeText(writer, leaf.lastDir);
      writeText(writer, leaf.lastName);
      writer.varint(leaf.entries);
      writer.varint(leaf.totalBytes);
    }
    writer.varint(segments.length);
    for (const number of segments) writer.varint(number);
  }
  writer.varint(known.inner.length);
  for (const { nodeId, segments } of known.inner) {
    writer.raw(idToBytes(nodeId));
    writer.varint(segments[0] ?? 0);
    writer.varint(segments[1] ?? 0);
  }
  writer.raw(sha256(writer.view()));
  return writer.toBytes();
}

/** What `encodeKnownLeaves` wrote; undefined for anything else, a damaged file included. */
export function decodeKnownLeaves(bytes: Uint8Array): KnownLeaves | undefined {
  const end = bytes.byteLength - checksumBytes;
  if (end < magic.byteLength || !equalBytes(bytes.subarray(0, magic.byteLength), magic)) return undefined;
  if (!equalBytes(bytes.subarray(end), sha256(bytes.subarray(0, end)))) return undefined;
  try {
    return read(new ByteReader(bytes.subarray(0, end), "known leaves", magic.byteLength));
  } catch (error) {
    if (isHoldfastError(error, "corrupt", "incompatible")) return undefined;
    throw error;
  }
}

function read(reader: ByteReader): KnownLeaves {
  const storeId = idFromBytes("store", reader.view(16));
  const root = idFromBytes("blob", reader.view(32));
  const comparedMs = reader.varint();
  const packs = Array.from({ length: countOf(reader, 32) }, () => idFromBytes("pack", reader.view(32)));
  const count = countOf(reader, blockDigestBytes);
  const digests = reader.view(count * blockDigestBytes);
  const blocks: KnownBlock[] = [];
  for (let index = 0; index < count; index++) {
    const closed = reader.u8() === 1;
    const leaves: TreeChild[] = [];
    for (let left = countOf(reader, 36); left > 0; left--) {
      leaves.push({
        nodeId: reader.view(32),
        lastDir: readText(reader),
        lastName: readText(reader),
        entries: reader.varint(),
        totalBytes: reader.varint(),
      });
    }
    const segments = new Uint32Array(countOf(reader, 1));
    for (let at = 0; at < segments.length; at++) segments[at] = reader.varint();
    blocks.push({ leaves, closed, segments });
  }
  const inner = Array.from({ length: countOf(reader, 34) }, () => ({
    nodeId: idFromBytes("blob", reader.view(32)),
    segments: Uint32Array.of(reader.varint(), reader.varint()),
  }));
  return { storeId, root, comparedMs, packs, digests, blocks, inner };
}

/** A number of items of at least so many bytes each, no more than can follow. */
function countOf(reader: ByteReader, itemBytes: number): number {
  const count = reader.varint();
  if (count * itemBytes > reader.remaining) reader.fail("ends early");
  return count;
}

function writeText(writer: ByteWriter, text: string): void {
  writer.varint(text.length);
  writer.latin1(text);
}

function readText(reader: ByteReader): string {
  return reader.latin1(countOf(reader, 1));
}
