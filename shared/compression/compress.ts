import { constants, zstdCompressSync } from "node:zlib";

/** The zstd level of a new store, for segments of 1 MiB; what else was measured is in decisions/0013 and 0023. */
export const defaultCompressionLevel = 1;

/** The levels that may be asked for; above them windows outgrow what every decoder offers. */
export const compressionLevels = { min: 1, max: 19 } as const;

/**
 * Compresses `data` into one zstd frame that carries the content size.
 *
 * The level's own parameters are used, but for the window of level 1: for pieces of 512 KiB to 2 MiB hashLog, minMatch, strategy and long
 * distance matching gave a few hundredths at best, and there is no frame checksum because every blob is verified by its MAC.
 *
 * @param level - zstd level, within `compressionLevels`
 * @returns the frame, in a buffer that nothing else uses and that may be longer; the frame may be longer than `data`, and the
 *   caller then stores `data` as it is
 * @see RFC 8878
 */
export function compress(data: Uint8Array, level: number = defaultCompressionLevel): Uint8Array<ArrayBuffer> {
  const frame = zstdCompressSync(data, {
    chunkSize: Math.max(constants.Z_MIN_CHUNK, compressBound(data.length)),
    pledgedSrcSize: data.length,
    params: compressionParameters(level),
  });
  const { buffer } = frame;
  // Node returns a view of a buffer as long as the worst case: kept only where little of it lies idle.
  if (buffer instanceof ArrayBuffer && frame.byteOffset === 0 && frame.length * 2 > buffer.byteLength) {
    return new Uint8Array(buffer, 0, frame.length);
  }
  return new Uint8Array(frame);
}

/** The window of level 1 for segments of 1 MiB, whose own is half as long: 0.3 % fewer bytes in the same time. */
const leastWindowLog = 20;

/** The parameters of zstd at a level: content size, no checksum. */
export function compressionParameters(level: number): Record<number, number> {
  const { min, max } = compressionLevels;
  return {
    [constants.ZSTD_c_compressionLevel]: Math.min(Math.max(level, min), max),
    ...(level <= min ? { [constants.ZSTD_c_windowLog]: leastWindowLog } : {}),
    [constants.ZSTD_c_contentSizeFlag]: 1,
    [constants.ZSTD_c_checksumFlag]: 0,
  };
}

/** ZSTD_compressBound and one byte: an output buffer of this size is never full, so the compressor needs no second one. */
export function compressBound(lengthBytes: number): number {
  const margin = lengthBytes < 128 * 1024 ? (128 * 1024 - lengthBytes) >>> 11 : 0;
  return lengthBytes + (lengthBytes >>> 8) + margin + 64;
}
