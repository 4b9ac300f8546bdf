/** Appends little-endian numbers and bytes to a buffer that grows. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  constructor(capacityBytes = 256) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Forgets what was written and keeps the buffer. */
  reset(): void {
    this.#length = 0;
  }

  u8(value: number): void {
    this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  u16(value: number): void {
    this.#grow(2);
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
  }

  u32(value: number): void {
    this.#grow(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  /** LEB128 of an integer from 0 to 2^53 − 1. */
  varint(value: number): void {
    this.#grow(8);
    const bytes = this.#bytes;
    while (value >= 0x80) {
      if (value > 0x7fffffff) {
        bytes[this.#length++] = (value % 0x80) + 0x80;
        value = Math.floor(value / 0x80);
      } else {
        bytes[this.#length++] = (value & 0x7f) | 0x80;
        value >>>= 7;
      }
    }
    bytes[this.#length++] = value;
  }

  /** Zigzag LEB128 of an integer within ±2^52. */
  signedVarint(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** `bytes` as they are. */
  raw(bytes: Uint8Array): void {
    this.#grow(bytes.byteLength);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.byteLength;
  }

  /** A string of one char per byte, from index `from`. */
  latin1(text: string, from = 0): void {
    const length = text.length - from;
    this.#grow(length);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let index = from; index < text.length; index++) bytes[at++] = text.charCodeAt(index);
    this.#length = at;
  }

  /** A copy of what was written. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** What was written, valid until the next write. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(lengthBytes: number): void {
    const needed = this.#length + lengthBytes;
    if (needed <= this.#bytes.byteLength) return;
    const bytes = new Uint8Array(Math.max(needed, this.#bytes.byteLength * 2));
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
