import { HoldfastError } from "#shared/errors.ts";
import type { ByteRange } from "./store.ts";

/** Checks that a range is whole numbers, from 0 on, of at least one byte. @throws {HoldfastError} invalid */
export function requireByteRange(range: ByteRange): void {
  const { offsetBytes, lengthBytes } = range;
  if (
    !Number.isSafeInteger(offsetBytes) ||
    !Number.isSafeInteger(lengthBytes) ||
    offsetBytes < 0 ||
    lengthBytes < 1 ||
    !Number.isSafeInteger(offsetBytes + lengthBytes)
  ) {
    throw new HoldfastError("invalid", `Cannot read ${lengthBytes} bytes from byte ${offsetBytes}: that is no range`);
  }
}
