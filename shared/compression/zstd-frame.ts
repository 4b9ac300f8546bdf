/** What the bytes of a zstd frame say about it without being decompressed. */
export type ZstdFrame = {
  /** Bytes of the whole frame, checksum included; more than the input has where the frame is cut short. */
  readonly frameBytes: number;
  /** Bytes that it decompresses to, or `undefined` where the frame does not say or the number is beyond 2^53. */
  readonly contentBytes: number | undefined;
};

const magic = 0xfd2fb528;
const rleBlock = 1;
const reservedBlock = 3;

/**
 * Reads the header and the block headers of the zstd frame at the beginning of `bytes`.
 *
 * @returns `undefined` when there is no zstd frame, or none that can be walked to its end
 * @see RFC 8878 section 3.1.1
 */
export function parseZstdFrame(bytes: Uint8Array): ZstdFrame | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 6 || view.getUint32(0, true) !== magic) return undefined;
  const descriptor = view.getUint8(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const windowBytes = singleSegment ? 0 : 1;
  const dictionaryIdBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const contentFieldBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6] ?? 0;
  const contentAt = 5 + windowBytes + dictionaryIdBytes;
  let at = contentAt + contentFieldBytes;
  if (at > bytes.length) return undefined;
  const contentBytes = readContentBytes(view, contentAt, contentFieldBytes);

  for (let last = false; !last;) {
    if (at + 3 > bytes.length) return undefined;
    const header = view.getUint8(at) | (view.getUint8(at + 1) << 8) | (view.getUint8(at + 2) << 16);
    last = (header & 1) !== 0;
    const type = (header >>> 1) & 3;
    if (type === reservedBlock) return undefined;
    at += 3 + (type === rleBlock ? 1 : header >>> 3);
  }
  const checksumBytes = (descriptor & 4) === 0 ? 0 : 4;
  return { frameBytes: at + checksumBytes, contentBytes };
}

function readContentBytes(view: DataView, at: number, fieldBytes: number): number | undefined {
  switch (fieldBytes) {
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, true) + 256;
    case 4:
      return view.getUint32(at, true);
    case 8: {
      const contentBytes = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
      return Number.isSafeInteger(contentBytes) ? contentBytes : undefined;
    }
    default:
      return undefined;
  }
}
