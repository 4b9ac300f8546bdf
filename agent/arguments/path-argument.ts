import { HoldfastError } from "#shared/errors.ts";
import { absolutePath } from "./absolute-path.ts";

/**
 * A path as typed, made absolute, as a binary string (one character per byte).
 *
 * @throws {HoldfastError} invalid: it is empty, as an unset variable of a script is
 * @throws {HoldfastError} as `absolutePath`
 */
export function pathArgument(text: string): string {
  if (text === "") throw new HoldfastError("invalid", "Cannot use an empty path");
  return Buffer.from(absolutePath(text), "utf8").toString("latin1");
}
