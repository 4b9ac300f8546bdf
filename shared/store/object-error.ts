/** The errors that every adapter words alike. */
import { HoldfastError } from "#shared/errors.ts";
import type { ByteRange } from "./store.ts";

/** The error for a range that does not lie inside its object. */
export function outsideObject(key: string, range: ByteRange, sizeBytes?: number): HoldfastError {
  const size = sizeBytes === undefined ? "it ends before" : `it has ${sizeBytes} bytes`;
  return new HoldfastError(
    "corrupt",
    `Cannot read ${range.lengthBytes} bytes from byte ${range.offsetBytes} of ${key}: ${size}`,
    { detail: { key, offsetBytes: range.offsetBytes, lengthBytes: range.lengthBytes } },
  );
}

/** The error for an object that is not there. */
export function noSuchObject(key: string, cause?: unknown): HoldfastError {
  return new HoldfastError("absent", `Cannot read ${key}: the store has no such object`, { detail: { key }, cause });
}

/** The error for an object that is already there. */
export function alreadyThere(key: string, cause?: unknown): HoldfastError {
  return new HoldfastError("conflict", `Cannot create ${key}: it is already there`, { detail: { key }, cause });
}

/** The error for a body whose SHA-256 is not what its sender announced. */
export function bodyDiffersFromSha256(key: string, cause?: unknown): HoldfastError {
  return new HoldfastError("corrupt", `Cannot create ${key}: the body does not match its SHA-256`, {
    detail: { key },
    cause,
  });
}
