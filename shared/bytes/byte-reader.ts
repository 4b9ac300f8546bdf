import { HoldfastError } from "#shared/errors.ts";

/**
 * Reads forward through bytes, little-endian, never past the end.
 *
 * Every overrun and every integer above 2^53 is a `corrupt` error that names `subject`.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly subject: string;
  offset: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, subject: string, offset = 0) {
    this.bytes = bytes;
    this.subject = subject;
    this.offset = offset;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes not yet read. */
  get remaining(): number {
    return this.bytes.byteLength - this.offset;
  }

  /** One byte. */
  u8(): number {
    this.#need(1);
    return this.#view.getUint8(this.offset++);
  }

  /** 16-bit integer. */
  u16(): number {
    this.#need(2);
    const value = this.#view.getUint16(this.offset, true);
    this.offset += 2;
    return value;
  }

  /** 32-bit integer. */
  u32(): number {
    this.#need(4);
    const value = this.#view.getUint32(this.offset, true);
    this.offset += 4;
    return value;
  }

  /** LEB128 integer of at most 2^53 − 1, in its shortest form. */
  varint(): number {
    const bytes = this.bytes;
    let offset = this.offset;
    let byte = bytes[offset++];
    if (byte === undefined) this.fail("ends early");
    if (byte < 0x80) {
      this.offset = offset;
      return byte;
    }
    let value = byte & 0x7f;
    let scale = 0x80;
    do {
      byte = bytes[offset++];
      if (byte === undefined) this.fail("ends early");
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (value > Number.MAX_SAFE_INTEGER) this.fail("holds an integer above 2^53");
    } while (byte >= 0x80);
    if (byte === 0) this.fail("holds an integer that is not in its shortest form");
    this.offset = offset;
    return value;
  }

  /** Zigzag LEB128 integer within ±2^52. */
  signedVarint(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A view of the next `length` bytes, not a copy. */
  view(length: number): Uint8Array {
    this.#need(length);
    const view = this.bytes.subarray(this.offset, this.offset + length);
    this.offset += length;
    return view;
  }

  /** The next `length` bytes as one char per byte. */
  latin1(length: number): string {
    this.#need(length);
    const bytes = this.bytes;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + this.offset, length).toString("latin1");
    this.offset += length;
    return text;
  }

  /** @throws {HoldfastError} corrupt: bytes are left over */
  end(): void {
    if (this.remaining !== 0) this.fail(`has ${this.remaining} bytes too many`);
  }

  /** Throws `corrupt` with a sentence about the subject. */
  fail(reason: string): never {
    throw new HoldfastError("corrupt", `Cannot read ${this.subject}: it ${reason}`);
  }

  #need(length: number): void {
    if (length > this.remaining) this.fail("ends early");
  }
}
