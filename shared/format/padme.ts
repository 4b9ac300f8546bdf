import type { ByteReader } from "#shared/bytes/byte-reader.ts";

/**
 * The Padmé length of `length` bytes: leaks O(log log n) bits of it and adds at most 12 %.
 *
 * @see Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", §4
 */
export function padmeLength(length: number): number {
  if (length < 2) return length;
  const exponent = Math.floor(Math.log2(length));
  const mantissaBits = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** Math.max(0, exponent - mantissaBits);
  return Math.ceil(length / step) * step;
}

/** Reads what is left as padding. @throws {HoldfastError} corrupt: it is not all zero */
export function requireZeroPadding(reader: ByteReader): void {
  const padding = reader.view(reader.remaining);
  for (let index = 0; index < padding.byteLength; index++)
    if (padding[index] !== 0) reader.fail("has padding that is not zero");
}
