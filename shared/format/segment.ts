import { ByteReader } from "#shared/bytes/byte-reader.ts";
import { HoldfastError } from "#shared/errors.ts";
import { formatLimits } from "./limits.ts";
import { padmeLength, requireZeroPadding } from "./padme.ts";
import { checkVersion, formatVersions } from "./version.ts";

/** Whether a pack and its segments hold chunks of content or tree nodes. */
export type PackKind = "data" | "meta";

/** The byte that stands for each kind of pack. */
export const packKindCodes = { data: 1, meta: 2 } as const;

/** The byte that stands for each way to store a segment's plaintext. */
export const segmentCodecs = { raw: 0, zstd: 1 } as const;

/** The byte table of what is sealed as a segment. */
export const segmentLayout = [
  ["version", 1, "1"],
  ["codec", 1, "0 raw, 1 one zstd frame"],
  ["reserved", 2, "zero"],
  ["plainBytes", 4, "length of the plaintext: the blobs in turn"],
  ["storedBytes", 4, "length of what follows before the padding"],
  ["stored", "storedBytes", "the plaintext, encoded"],
  ["padding", "to the Padmé length of all", "zero"],
] as const;

/** Bytes before the encoded plaintext. */
export const segmentHeaderBytes = 12;

/** Length of a segment's padded content for `storedBytes` of encoded plaintext. The AEAD adds 16 bytes. */
export function segmentContentBytes(storedBytes: number): number {
  return padmeLength(segmentHeaderBytes + storedBytes);
}

/**
 * Writes header and zero padding around the encoded plaintext that lies at `segmentHeaderBytes` of `room` already.
 *
 * @param room - at least `segmentContentBytes(storedBytes)` long
 * @returns the content that is then sealed: a view of `room`
 */
export function frameSegmentContent(
  room: Uint8Array<ArrayBuffer>,
  { codec, plainBytes, storedBytes }: { codec: number; plainBytes: number; storedBytes: number },
): Uint8Array<ArrayBuffer> {
  const content = room.subarray(0, segmentContentBytes(storedBytes));
  const view = new DataView(content.buffer, content.byteOffset);
  content.fill(0, 0, segmentHeaderBytes);
  content[0] = formatVersions.segment;
  content[1] = codec;
  view.setUint32(4, plainBytes, true);
  view.setUint32(8, storedBytes, true);
  content.fill(0, segmentHeaderBytes + storedBytes);
  return content;
}

/**
 * Takes the opened content of a segment apart. `stored` is a view.
 *
 * @throws {HoldfastError} incompatible or corrupt
 */
export function decodeSegmentContent(
  content: Uint8Array,
  subject: string,
): { codec: number; plainBytes: number; stored: Uint8Array } {
  const reader = new ByteReader(content, subject);
  checkVersion("segment", reader.u8(), subject);
  const codec = reader.u8();
  if (codec !== segmentCodecs.raw && codec !== segmentCodecs.zstd) {
    throw new HoldfastError("incompatible", `Cannot read ${subject}: its codec ${codec} is not known`);
  }
  if (reader.u16() !== 0) reader.fail("has reserved bytes that are not zero");
  const plainBytes = reader.u32();
  const storedBytes = reader.u32();
  if (plainBytes > formatLimits.segmentPlainBytes) reader.fail("claims more plaintext than a segment may hold");
  const stored = reader.view(storedBytes);
  if (codec === segmentCodecs.raw && storedBytes !== plainBytes) reader.fail("has two lengths");
  if (segmentContentBytes(storedBytes) !== content.byteLength) reader.fail("is not padded as it should be");
  requireZeroPadding(reader);
  return { codec, plainBytes, stored };
}

/** The byte table of the associated data of a segment and of its directory. */
export const segmentAadLayout = [
  ["context", 20, 'the letters "holdfast/v1/segment" and a zero byte'],
  ["storeId", 16, "the store"],
  ["use", 1, "1 segment, 2 directory"],
  ["contents", 1, "of the pack: 1 data, 2 meta"],
  ["segmentId", 24, "the segment"],
] as const;

/** Associated data of a segment or of its directory: binds the store, the use, the kind of pack and the segment id. */
export function segmentAad(options: {
  readonly storeId: Uint8Array;
  readonly use: "segment" | "directory";
  readonly kind: PackKind;
  readonly segmentId: Uint8Array;
}): Uint8Array<ArrayBuffer> {
  const aad = new Uint8Array(62);
  aad.set(Buffer.from("holdfast/v1/segment\0", "latin1"), 0);
  aad.set(options.storeId, 20);
  aad[36] = options.use === "segment" ? 1 : 2;
  aad[37] = packKindCodes[options.kind];
  aad.set(options.segmentId, 38);
  return aad;
}
