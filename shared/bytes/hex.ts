import { HoldfastError } from "#shared/errors.ts";

/** Lowercase hexadecimal of `bytes`. */
export function encodeHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** Bytes of a hexadecimal string. @throws {HoldfastError} invalid: odd length or another character */
export function decodeHex(text: string): Uint8Array<ArrayBuffer> {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text))
    throw new HoldfastError("invalid", `Cannot read "${text.slice(0, 80)}": not hexadecimal`);
  const bytes = new Uint8Array(text.length / 2);
  bytes.set(Buffer.from(text, "hex"));
  return bytes;
}
