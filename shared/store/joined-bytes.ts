/** The number of bytes of all `parts`. */
export function sizeOfParts(parts: readonly Uint8Array[]): number {
  let sizeBytes = 0;
  for (const part of parts) sizeBytes += part.byteLength;
  return sizeBytes;
}

/** Copies `parts`, one after another, into one new buffer of exactly their size. */
export function joinedBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = unfilledBytes(sizeOfParts(parts));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.byteLength;
  }
  return joined;
}

/** A buffer of `lengthBytes` on an ArrayBuffer of its own, not cleared first: the caller fills every byte before use. */
export function unfilledBytes(lengthBytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.allocUnsafeSlow(lengthBytes).buffer);
}
