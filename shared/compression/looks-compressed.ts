import { constants, zstdCompressSync } from "node:zlib";

const smallestBytes = 64 * 1024;
const pieces = 32;
const histogramPieceBytes = 128;
const trialPieceBytes = 512;

/**
 * A quick guess whether `data` is compressed or encrypted already, so that compressing it would be time lost.
 *
 * Looks at pieces from all over: first whether in 4 KiB all byte values are about equally frequent, which costs some
 * microseconds and turns down nearly everything else; then whether zstd at its fastest finds anything to save in
 * 16 KiB. Repetitions over longer distances are not seen. Data under 64 KiB is never worth the look.
 * Measured on 1 MiB: 5 µs for text, 30 µs for gzip, JPEG and random bytes, on which compressing takes 150 to 900 µs.
 */
export function looksCompressed(data: Uint8Array): boolean {
  if (data.length < smallestBytes) return false;
  return hasFlatHistogram(data) && !savesAnything(data);
}

/** Whether two bytes drawn from the pieces are equal hardly more often than 1 time in 256. */
function hasFlatHistogram(data: Uint8Array): boolean {
  const counts = new Uint16Array(256);
  for (let piece = 0; piece < pieces; piece += 1) {
    const start = pieceStart(data, piece, histogramPieceBytes);
    for (let i = start; i < start + histogramPieceBytes; i += 1) {
      const byte = data[i] ?? 0;
      counts[byte] = (counts[byte] ?? 0) + 1;
    }
  }
  let pairs = 0;
  for (const count of counts) pairs += count * (count - 1);
  const total = pieces * histogramPieceBytes;
  return pairs < ((total * (total - 1)) / 256) * 1.25;
}

function savesAnything(data: Uint8Array): boolean {
  const sample = new Uint8Array(pieces * trialPieceBytes);
  for (let piece = 0; piece < pieces; piece += 1) {
    const start = pieceStart(data, piece, trialPieceBytes);
    sample.set(data.subarray(start, start + trialPieceBytes), piece * trialPieceBytes);
  }
  const frame = zstdCompressSync(sample, {
    chunkSize: sample.length + 1024,
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
  });
  return frame.length < sample.length * 0.995;
}

function pieceStart(data: Uint8Array, piece: number, lengthBytes: number): number {
  return Math.floor(((data.length - lengthBytes) / (pieces - 1)) * piece);
}
