import { zstdCompressSync } from "node:zlib";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { compress } from "#shared/compression/compress.ts";
import { seal } from "#shared/crypto/seal.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { encodeDirectoryContent } from "#shared/format/directory.ts";
import { encodeIndexContent, indexAad, splitIndexRows } from "#shared/format/index-section.ts";
import { idFromBytes } from "#shared/format/ids.ts";
import { encodePackSessions, packHeaderBytes, packTableRowBytes, packTrailerBytes } from "#shared/format/pack.ts";
import { encodeSegmentContent } from "#shared/format/encode-segment-content.testing.ts";
import { type PackKind, segmentAad } from "#shared/format/segment.ts";
import { PackAssembler } from "#shared/repository/pack-assembler.ts";
import { SegmentBuilder } from "#shared/repository/segment-builder.ts";
import { sealedSession } from "./crypto-vectors.testing.ts";
import {
  blobs,
  chunkMac,
  keys,
  masterSecret,
  nodeMac,
  segmentContext,
  segmentId,
  sessionId,
  sessionKey,
  storeId,
  storeIdBytes,
} from "./fixed-store.testing.ts";
import { withBytes, withFlippedBit } from "./spoil.testing.ts";
import { refused, seededBytes, seededRandom, success, type Vector } from "./vector.testing.ts";

/** Segments, their directories, packs, and the index section of a state. */
export async function packVectors(): Promise<Vector[]> {
  return [...segmentVectors(), ...directoryVectors(), ...indexVectors(), ...(await wholePackVectors())];
}

const plain = concatBytes(...blobs);

function sealSegment(content: Uint8Array, kind: PackKind = "data"): Uint8Array {
  const aad = segmentAad({ storeId: storeIdBytes, use: "segment", kind, segmentId });
  return seal({ key: sessionKey, nonce: segmentId, aad }, content);
}

function segmentVectors(): Vector[] {
  const frame = compress(plain, 3);
  const raw = encodeSegmentContent(0, plain.byteLength, plain);
  const zstd = encodeSegmentContent(1, plain.byteLength, frame);
  const bad = (
    name: string,
    about: string,
    content: Uint8Array,
    expect: "corrupt" | "incompatible" = "corrupt",
  ): Vector => refused("segment", name, about, expect, sealSegment(content), segmentContext);
  const sealed = sealSegment(raw);
  return [
    success("segment", "raw", "Two blobs, stored as they are.", segmentContext, encodeHex(sealed)),
    compressed(success("segment", "zstd", "The same blobs, compressed.", segmentContext, encodeHex(sealSegment(zstd)))),
    success(
      "segment",
      "meta",
      "The same as a segment of tree nodes.",
      { ...segmentContext, kind: "meta" },
      encodeHex(sealSegment(raw, "meta")),
    ),
    success(
      "segment",
      "empty",
      "No plaintext.",
      segmentContext,
      encodeHex(sealSegment(encodeSegmentContent(0, 0, new Uint8Array(0)))),
    ),
    refused(
      "segment",
      "bad-tag",
      "A bit of the tag is flipped.",
      "corrupt",
      withFlippedBit(sealed, -1),
      segmentContext,
    ),
    refused(
      "segment",
      "bad-ciphertext",
      "A bit of the ciphertext is flipped.",
      "corrupt",
      withFlippedBit(sealed, 20),
      segmentContext,
    ),
    refused("segment", "truncated", "The last byte is missing.", "corrupt", sealed.slice(0, -1), segmentContext),
    refused("segment", "shorter-than-tag", "It is shorter than a tag.", "corrupt", sealed.slice(0, 15), segmentContext),
    refused(
      "segment",
      "other-segment",
      "It stands where another segment should: the id is another.",
      "corrupt",
      sealed,
      { ...segmentContext, segmentId: "00".repeat(24) },
    ),
    refused("segment", "other-kind", "A segment of content in the place of tree nodes.", "corrupt", sealed, {
      ...segmentContext,
      kind: "meta",
    }),
    refused("segment", "other-store", "A segment of another store.", "corrupt", sealed, {
      ...segmentContext,
      storeId: "00".repeat(16),
    }),
    refused("segment", "other-session", "Sealed under another session key.", "corrupt", sealed, {
      ...segmentContext,
      sessionKey: "00".repeat(32),
    }),
    bad("newer-version", "Version 2.", withBytes(raw, 0, [2]), "incompatible"),
    bad("version-zero", "Version 0.", withBytes(raw, 0, [0])),
    bad("unknown-codec", "A codec that this version does not know.", withBytes(raw, 1, [2]), "incompatible"),
    bad("reserved-bytes", "The reserved bytes are not zero.", withBytes(raw, 2, [1])),
    bad("two-lengths", "Raw, and the two lengths differ.", withBytes(raw, 4, u32(plain.byteLength - 1))),
    bad("stored-beyond-end", "The stored length reaches beyond the end.", withBytes(raw, 8, u32(raw.byteLength))),
    bad(
      "too-much-plaintext",
      "It claims more plaintext than a segment may hold.",
      withBytes(zstd, 4, u32(64 * 1024 * 1024 + 1)),
    ),
    bad("not-padded", "There is no padding.", raw.slice(0, 12 + plain.byteLength)),
    bad("over-padded", "There is a byte of padding too many.", concatBytes(raw, Uint8Array.of(0))),
    bad("padding-not-zero", "The last byte of the padding is one.", withBytes(raw, -1, [1])),
    bad(
      "zstd-other-length",
      "The frame holds another length than the segment says.",
      withBytes(zstd, 4, u32(plain.byteLength + 1)),
    ),
    bad("zstd-cut-short", "The frame is cut short.", encodeSegmentContent(1, plain.byteLength, frame.slice(0, -3))),
    bad(
      "zstd-two-frames",
      "A second frame follows the first.",
      encodeSegmentContent(1, plain.byteLength, concatBytes(frame, zstdCompressSync(Buffer.from("x")))),
    ),
    bad("zstd-none", "The codec says zstd, and there is no frame.", withBytes(raw, 1, [1])),
  ].map((each) => (each.name.startsWith("zstd") || each.name === "too-much-plaintext" ? compressed(each) : each));
}

function directoryVectors(): Vector[] {
  const context = { storeId, kind: "data", segmentId: encodeHex(segmentId), indexKey: encodeHex(keys.indexKey) };
  const rows = concatBytes(...blobs.flatMap((blob) => [chunkMac.digest(blob), u32(blob.byteLength)]));
  const content = encodeDirectoryContent(rows);
  const seal_ = (bytes: Uint8Array, use: "segment" | "directory" = "directory"): Uint8Array =>
    seal(
      {
        key: keys.indexKey,
        nonce: segmentId,
        aad: segmentAad({ storeId: storeIdBytes, use, kind: "data", segmentId }),
      },
      bytes,
    );
  const bad = (
    name: string,
    about: string,
    bytes: Uint8Array,
    expect: "corrupt" | "incompatible" = "corrupt",
  ): Vector => refused("directory", name, about, expect, seal_(bytes), context);
  const many = encodeDirectoryContent(
    concatBytes(
      ...Array.from({ length: 20 }, (_each, row) => concatBytes(chunkMac.digest(Uint8Array.of(row)), u32(100 + row))),
    ),
  );
  return [
    success("directory", "two-blobs", "The directory of two blobs.", context, encodeHex(seal_(content))),
    success("directory", "twenty-blobs", "Twenty blobs, with padding.", context, encodeHex(seal_(many))),
    refused(
      "directory",
      "bad-tag",
      "A bit of the tag is flipped.",
      "corrupt",
      withFlippedBit(seal_(content), -1),
      context,
    ),
    refused(
      "directory",
      "sealed-as-segment",
      "Sealed for the other use.",
      "corrupt",
      seal_(content, "segment"),
      context,
    ),
    refused("directory", "other-segment", "The directory of another segment.", "corrupt", seal_(content), {
      ...context,
      segmentId: "00".repeat(24),
    }),
    bad("newer-version", "Version 2.", withBytes(content, 0, [2]), "incompatible"),
    bad("reserved-bytes", "The reserved bytes are not zero.", withBytes(content, 3, [1])),
    bad("oversized-count", "It claims more rows than it holds.", withBytes(content, 4, u32(0xffffffff))),
    bad("not-padded", "There is no padding.", many.slice(0, 8 + 20 * 36)),
    bad("padding-not-zero", "The last byte of the padding is one.", withBytes(many, -1, [1])),
    bad(
      "too-much-plaintext",
      "The blobs are longer than a segment may be.",
      withBytes(content, 40, u32(64 * 1024 * 1024 + 1)),
    ),
  ];
}

function indexVectors(): Vector[] {
  const packIds = ["one", "two"].map((each) => idFromBytes("pack", sha256(Buffer.from(each))));
  const context = { storeId, indexKey: encodeHex(keys.indexKey), packIds, segmentCount: 3 };
  const nonce = seededBytes("holdfast vectors, index nonce", 24);
  const ids = Array.from({ length: 8 }, (_each, index) => chunkMac.digest(Uint8Array.of(index)).slice(0, 20)).toSorted(
    (left, right) => Buffer.compare(left, right),
  );
  const rows = concatBytes(...ids.flatMap((id, index) => [id, u32(index % 3), u32(index * 100), u32(100)]));
  const { prefixes, columns } = splitIndexRows(rows);
  const raw = encodeIndexContent({ codec: 0, prefixes, encodedColumns: columns });
  const zstd = encodeIndexContent({ codec: 1, prefixes, encodedColumns: compress(columns, 3) });
  const seal_ = (content: Uint8Array): Uint8Array =>
    concatBytes(nonce, seal({ key: keys.indexKey, nonce, aad: indexAad(storeIdBytes, packIds) }, content));
  const bad = (
    name: string,
    about: string,
    content: Uint8Array,
    expect: "corrupt" | "incompatible" = "corrupt",
  ): Vector => refused("index-section", name, about, expect, seal_(content), context);
  const swapped = concatBytes(prefixes.slice(20, 40), prefixes.slice(0, 20), prefixes.slice(40));
  const twice = concatBytes(prefixes.slice(0, 20), prefixes.slice(0, 20), prefixes.slice(40));
  const good = seal_(raw);
  return [
    success("index-section", "raw", "Eight blobs in three segments, columns as they are.", context, encodeHex(good)),
    compressed(success("index-section", "zstd", "The same, columns compressed.", context, encodeHex(seal_(zstd)))),
    success("index-section", "empty", "A state that adds no blob has no section.", context, ""),
    refused("index-section", "bad-tag", "A bit of the tag is flipped.", "corrupt", withFlippedBit(good, -1), context),
    refused("index-section", "truncated", "It is shorter than nonce and tag.", "corrupt", good.slice(0, 39), context),
    refused(
      "index-section",
      "other-packs",
      "It stands beside other packs than those that it was made for.",
      "corrupt",
      good,
      { ...context, packIds: packIds.toReversed() },
    ),
    refused("index-section", "other-store", "It belongs to another store.", "corrupt", good, {
      ...context,
      storeId: "00".repeat(16),
    }),
    bad("newer-version", "Version 2.", withBytes(raw, 0, [2]), "incompatible"),
    bad("unknown-codec", "A codec that this version does not know.", withBytes(raw, 1, [2]), "incompatible"),
    bad("reserved-bytes", "The reserved bytes are not zero.", withBytes(raw, 2, [1])),
    bad(
      "rows-out-of-order",
      "The first two prefixes are exchanged.",
      encodeIndexContent({ codec: 0, prefixes: swapped, encodedColumns: columns }),
    ),
    bad(
      "row-twice",
      "Two rows have one prefix.",
      encodeIndexContent({ codec: 0, prefixes: twice, encodedColumns: columns }),
    ),
    bad(
      "segment-out-of-range",
      "A row names a segment that there is not.",
      encodeIndexContent({ codec: 0, prefixes, encodedColumns: withBytes(columns, 0, u32(3)) }),
    ),
    bad("columns-too-short", "The columns end early.", raw.slice(0, -4)),
    bad("columns-too-long", "The columns have bytes too many.", concatBytes(raw, new Uint8Array(4))),
    bad("oversized-count", "It claims more rows than it holds.", withBytes(raw, 4, u32(1000))),
    bad("more-rows-than-allowed", "It claims more rows than a section may have.", withBytes(raw, 4, u32(0xffffffff))),
  ];
}

/** A pack of two segments of equal length. */
async function wholePackVectors(): Promise<Vector[]> {
  const context = { masterSecret: encodeHex(masterSecret) };
  const envelope = await sealedSession(sessionId, sessionKey);
  const data = makePack("data", envelope, 2);
  const meta = makePack("meta", envelope, 1);
  const segmentBytes = new DataView(data.buffer).getUint32(
    data.byteLength - packTrailerBytes - 2 * packTableRowBytes + 44,
    true,
  );
  const first = packHeaderBytes;
  const swapped = concatBytes(
    data.slice(0, first),
    data.slice(first + segmentBytes, first + 2 * segmentBytes),
    data.slice(first, first + segmentBytes),
    data.slice(first + 2 * segmentBytes),
  );
  const tableAt = data.byteLength - packTrailerBytes - 2 * packTableRowBytes;
  const sessionsAt = tableAt - 96;
  const bad = (
    name: string,
    about: string,
    bytes: Uint8Array,
    expect: "corrupt" | "incompatible" = "corrupt",
  ): Vector => refused("pack", name, about, expect, bytes, context);
  const again = (bytes: Uint8Array): Uint8Array => withPackChecksum(bytes, 2);
  const number = (bytes: Uint8Array, at: number): number =>
    new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
  const plusOne = (at: number): Uint8Array => withBytes(data, at, u32(number(data, at) + 1));
  return [
    success("pack", "data", "A pack of content with two segments.", context, encodeHex(data)),
    success("pack", "meta", "A pack of tree nodes.", context, encodeHex(meta)),
    bad("truncated", "The last byte is missing.", data.slice(0, -1)),
    bad("cut-in-half", "The second half is missing.", data.slice(0, data.byteLength >> 1)),
    bad("trailing-byte", "A byte follows the pack.", concatBytes(data, Uint8Array.of(0))),
    bad("wrong-magic", "The first letter is another; the checksum is right.", again(withBytes(data, 0, [0x47]))),
    bad("wrong-end", "The last letter is another.", withBytes(data, -1, [0x51])),
    bad("newer-version", "Version 2; the checksum is right.", again(withBytes(data, 12, [2, 0])), "incompatible"),
    bad("unknown-contents", "Neither data nor meta; the checksum is right.", again(withBytes(data, 14, [3]))),
    bad("reserved-byte", "The reserved byte is not zero; the checksum is right.", again(withBytes(data, 15, [1]))),
    bad("wrong-contents", "Content that is called tree nodes; the checksum is right.", again(withBytes(data, 14, [2]))),
    bad("other-store", "The store id is another; the checksum is right.", again(withFlippedBit(data, 16))),
    bad("bad-checksum", "A bit of the checksum is flipped.", withFlippedBit(data, -5)),
    bad(
      "bad-table",
      "A bit of a segment id in the table is flipped; the checksum is not.",
      withFlippedBit(data, tableAt),
    ),
    bad("bad-session", "A bit of the envelope is flipped; the checksum is not.", withFlippedBit(data, sessionsAt + 20)),
    bad(
      "table-gap",
      "The second segment begins a byte late; the checksum is right.",
      again(plusOne(tableAt + packTableRowBytes + 40)),
    ),
    bad(
      "table-overlong",
      "The second segment ends a byte late; the checksum is right.",
      again(plusOne(tableAt + packTableRowBytes + 44)),
    ),
    bad(
      "directory-gap",
      "The second directory begins a byte late; the checksum is right.",
      again(plusOne(tableAt + packTableRowBytes + 48)),
    ),
    bad(
      "other-session",
      "The sessions name another than the table; the checksum is right.",
      again(withFlippedBit(data, sessionsAt)),
    ),
    bad(
      "two-sessions-one-row",
      "The table names two sessions, and there is one; the checksum is right.",
      again(withFlippedBit(data, tableAt + 24)),
    ),
    bad(
      "oversized-count",
      "The trailer claims more rows than there is room for; the checksum is right.",
      again(withBytes(data, -40, u32(0x7fffffff))),
    ),
    bad("swapped-segments", "Two segments of equal length changed places: each opens under its own id only.", swapped),
    bad("bad-segment", "A bit of a segment is flipped: it does not open.", withFlippedBit(data, first + 5)),
    bad(
      "bad-directory",
      "A bit of a directory is flipped: it does not open.",
      withFlippedBit(data, first + 2 * segmentBytes),
    ),
    bad(
      "sessions-of-another-store",
      "The envelope was made for another store; the checksum is right.",
      again(withBytes(data, sessionsAt, encodePackSessions([{ sessionId, envelope: withFlippedBit(envelope, 40) }]))),
    ),
  ];
}

function makePack(kind: PackKind, envelope: Uint8Array, segmentCount: number): Uint8Array<ArrayBuffer> {
  const random = seededRandom(`holdfast vectors, pack ${kind}`);
  const pack = new PackAssembler({ kind, storeId: storeIdBytes, sessionId, envelope, random });
  const mac = kind === "data" ? chunkMac : nodeMac;
  const sizes = { level: 3, targetBytes: 4096, blobMaxBytes: 4096 };
  const session = { storeId: storeIdBytes, kind, sessionKey, indexKey: keys.indexKey, verify: true, ...sizes };
  const builder = new SegmentBuilder(session, random, () => 0);
  for (let segment = 0; segment < segmentCount; segment++) {
    for (const part of [0, 1]) {
      const blob = seededBytes(`holdfast vectors, ${kind} blob ${segment} ${part}`, 200);
      builder.append(mac.digest(blob), 0, blob);
    }
    pack.add(builder.seal());
  }
  return concatBytes(...pack.finish().parts);
}

/** A pack whose trailer's checksum is right again after its bytes were changed. */
function withPackChecksum(pack: Uint8Array, segmentCount: number): Uint8Array {
  const tableAt = pack.byteLength - packTrailerBytes - segmentCount * packTableRowBytes;
  const checked = concatBytes(pack.slice(0, packHeaderBytes), pack.slice(tableAt - 96, pack.byteLength - 36));
  return withBytes(pack, -36, sha256(checked));
}

function compressed(vector: Vector): Vector {
  return { ...vector, zstd: true };
}

function u32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
