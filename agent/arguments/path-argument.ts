import { resolve } from "node:path";
import { HoldfastError } from "#shared/errors.ts";

/**
 * A path as typed, made absolute, as a binary string (one character per byte).
 *
 * @throws {HoldfastError} invalid: it is empty, as an unset variable of a script is
 */
export function pathArgument(text: string): string {
  if (text === "") throw new HoldfastError("invalid", "Cannot use an empty path");
  return Buffer.from(resolve(text), "utf8").toString("latin1");
}
