import { HoldfastError } from "#shared/errors.ts";
import { ByteReader } from "#shared/bytes/byte-reader.ts";
import { ByteWriter } from "#shared/bytes/byte-writer.ts";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { createSha256, sha256 } from "#shared/crypto/sha256.ts";
import { checkVersion, formatVersions, type VersionedStructure } from "./version.ts";

/** The first bytes of every object in a store. */
export const frameMagic = new Uint8Array([0x48, 0x4f, 0x4c, 0x44, 0x46, 0x41, 0x53, 0x54]);

/** The four letters that name each framed structure. */
export const frameKinds = {
  config: "CONF",
  keySlot: "SLOT",
  state: "STAT",
  logEntry: "LOGE",
  checkpoint: "CHKP",
  checkpointPart: "CPRT",
} as const satisfies Partial<Record<VersionedStructure, string>>;

/** A structure that is stored as a frame. */
export type FramedStructure = keyof typeof frameKinds;

/** The byte table of a frame; FORMAT.md prints it and a test compares them. */
export const frameLayout = [
  ["magic", 8, 'the letters "HOLDFAST"'],
  ["kind", 4, "four letters that name the structure"],
  ["version", 2, "format version of the structure"],
  ["reserved", 2, "zero"],
  ["length", 4, "bytes of payload"],
  ["payload", "length", "the structure"],
  ["checksum", 32, "SHA-256 of all bytes before it"],
] as const;

/** Bytes of a frame before its payload. */
export const frameHeaderBytes = 20;
/** Bytes of a frame after its payload. */
export const frameTrailerBytes = 32;
const versionAt = 12;

/** Wraps a payload as the whole content of an object. */
export function encodeFrame(structure: FramedStructure, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes(...framePieces(structure, formatVersions[structure], [payload]));
}

/**
 * A frame as pieces that lie one behind the other: what is large need not be copied for it.
 *
 * @param version - the lowest that can say what the payload says
 */
export function framePieces(
  structure: FramedStructure,
  version: number,
  payload: readonly Uint8Array[],
): readonly Uint8Array[] {
  const writer = new ByteWriter(frameHeaderBytes);
  writer.raw(frameMagic);
  writer.latin1(frameKinds[structure]);
  writer.u16(version);
  writer.u16(0);
  writer.u32(payload.reduce((sum, each) => sum + each.byteLength, 0));
  const pieces = [writer.view(), ...payload];
  const checksum = createSha256();
  for (const piece of pieces) checksum.update(piece);
  return [...pieces, checksum.digest()];
}

/** The version that a frame says it has. */
export function frameVersion(bytes: Uint8Array): number {
  return (bytes[versionAt] ?? 0) + 256 * (bytes[versionAt + 1] ?? 0);
}

/**
 * The payload of a frame: a view into `bytes`.
 *
 * @param subject - what the object is, for messages: "config", "log entry 12"
 * @throws {HoldfastError} incompatible: a newer version
 * @throws {HoldfastError} corrupt: anything else that is not as written
 */
export function decodeFrame(structure: FramedStructure, bytes: Uint8Array, subject: string): Uint8Array {
  const length = readFrameHeader(structure, bytes, subject);
  const total = frameHeaderBytes + length + frameTrailerBytes;
  if (bytes.byteLength !== total) {
    throw new HoldfastError("corrupt", `Cannot read ${subject}: it has ${bytes.byteLength} bytes instead of ${total}`);
  }
  const body = bytes.subarray(0, frameHeaderBytes + length);
  if (!equalBytes(sha256(body), bytes.subarray(frameHeaderBytes + length))) {
    throw new HoldfastError("corrupt", `Cannot read ${subject}: its checksum does not match`);
  }
  return body.subarray(frameHeaderBytes);
}

/** Checks the header of a frame and returns the length of its payload in bytes. Throws as `decodeFrame`. */
export function readFrameHeader(structure: FramedStructure, bytes: Uint8Array, subject: string): number {
  const reader = new ByteReader(bytes, subject);
  if (!equalBytes(reader.view(8), frameMagic)) reader.fail("does not begin as an object of Holdfast does");
  const kind = reader.latin1(4);
  if (kind !== frameKinds[structure]) reader.fail("is a structure of another kind");
  checkVersion(structure, reader.u16(), subject);
  if (reader.u16() !== 0) reader.fail("has reserved bytes that are not zero");
  return reader.u32();
}
