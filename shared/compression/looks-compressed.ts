import { constants, zstdCompressSync } from "node:zlib";

const sampleBytes = 16 * 1024;
const pieceBytes = 2 * 1024;
const smallestBytes = 64 * 1024;

/**
 * A quick guess whether `data` is compressed or encrypted already, so that compressing it would be time lost.
 *
 * Looks at 16 KiB in pieces from all over: first whether all byte values are about equally frequent, which costs a few
 * microseconds and turns down everything else; then whether zstd at its fastest finds anything to save in the sample.
 * Repetitions over longer distances are not seen. Data under 64 KiB is never worth the look.
 */
export function looksCompressed(data: Uint8Array): boolean {
  if (data.length < smallestBytes) return false;
  const sample = new Uint8Array(sampleBytes);
  const pieces = sampleBytes / pieceBytes;
  const stride = Math.floor((data.length - pieceBytes) / (pieces - 1));
  for (let i = 0; i < pieces; i += 1) {
    sample.set(data.subarray(i * stride, i * stride + pieceBytes), i * pieceBytes);
  }
  return hasFlatHistogram(sample) && !savesAnything(sample);
}

/** Whether two bytes drawn from `sample` are equal hardly more often than 1 time in 256. */
function hasFlatHistogram(sample: Uint8Array): boolean {
  const counts = new Uint32Array(256);
  for (const byte of sample) counts[byte] = (counts[byte] ?? 0) + 1;
  let pairs = 0;
  for (const count of counts) pairs += count * (count - 1);
  const flatPairs = (sample.length * (sample.length - 1)) / 256;
  return pairs < flatPairs * 1.25;
}

function savesAnything(sample: Uint8Array): boolean {
  const frame = zstdCompressSync(sample, {
    chunkSize: sample.length + 1024,
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
  });
  return frame.length < sample.length * 0.98;
}
