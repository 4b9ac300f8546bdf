import { constants, zstdDecompressSync } from "node:zlib";
import { HoldfastError } from "#shared/errors.ts";
import { parseZstdFrame } from "./zstd-frame.ts";

/** The most that `decompress` is asked to make in one call. */
export const decompressMaxBytes = 1024 * 1024 * 1024;

/** A decoder must offer windows of 8 MiB (RFC 8878 section 3.1.1.1.2); none larger is accepted, whatever a frame claims. */
const windowLogMax = 23;

/** The parameters of the decoder. */
export const decompressionParameters: Record<number, number> = { [constants.ZSTD_d_windowLogMax]: windowLogMax };

/**
 * Decompresses one zstd frame that is known to hold `rawLengthBytes` bytes.
 *
 * Node 24 decodes the first frame of its input and drops what follows without a word. So the frame is measured first:
 * it must fill `frame` to the last byte, and its header must promise `rawLengthBytes`. Never more than that is allocated,
 * whatever the frame contains.
 *
 * @returns exactly `rawLengthBytes` bytes, in a buffer that nothing else uses and that may be longer
 * @throws {HoldfastError} corrupt: not one whole frame, another length, or damaged content
 * @throws {HoldfastError} invalid: `rawLengthBytes` over `decompressMaxBytes`
 * @see RFC 8878
 */
export function decompress(frame: Uint8Array, rawLengthBytes: number): Uint8Array<ArrayBuffer> {
  checkFrame(frame, rawLengthBytes);
  // An output buffer one byte longer than the result ends the decoder's loop without a second buffer.
  const chunkSize = Math.max(constants.Z_MIN_CHUNK, rawLengthBytes + 1);
  let raw;
  try {
    raw = zstdDecompressSync(frame, {
      chunkSize,
      maxOutputLength: Math.max(1, rawLengthBytes),
      params: decompressionParameters,
    });
  } catch {
    throw cannotDecompress(frame, rawLengthBytes, "the content is damaged");
  }
  if (raw.length !== rawLengthBytes) {
    throw cannotDecompress(frame, rawLengthBytes, `the content has ${raw.length} bytes`);
  }
  const { buffer, byteOffset } = raw;
  if (buffer instanceof ArrayBuffer && byteOffset === 0 && buffer.byteLength === chunkSize) {
    return new Uint8Array(buffer, 0, rawLengthBytes);
  }
  return new Uint8Array(raw);
}

/**
 * Checks that `frame` is one whole zstd frame that promises `rawLengthBytes`.
 *
 * @throws as `decompress`
 */
export function checkFrame(frame: Uint8Array, rawLengthBytes: number): void {
  if (!Number.isSafeInteger(rawLengthBytes) || rawLengthBytes < 0 || rawLengthBytes > decompressMaxBytes) {
    throw new HoldfastError(
      "invalid",
      `Cannot decompress to ${rawLengthBytes} bytes: the most is ${decompressMaxBytes}`,
    );
  }
  const parsed = parseZstdFrame(frame);
  if (parsed === undefined) throw cannotDecompress(frame, rawLengthBytes, "they are not a zstd frame");
  if (parsed.frameBytes !== frame.length) {
    throw cannotDecompress(frame, rawLengthBytes, `the frame has ${parsed.frameBytes} bytes`);
  }
  if (parsed.contentBytes !== rawLengthBytes) {
    throw cannotDecompress(frame, rawLengthBytes, `the frame declares ${parsed.contentBytes ?? "no length"}`);
  }
}

/** The error of a frame that does not decompress. */
export function cannotDecompress(frame: Uint8Array, rawLengthBytes: number, cause: string): HoldfastError {
  return new HoldfastError("corrupt", `Cannot decompress ${frame.length} bytes to ${rawLengthBytes}: ${cause}`, {
    detail: { frameBytes: frame.length, rawLengthBytes },
  });
}
