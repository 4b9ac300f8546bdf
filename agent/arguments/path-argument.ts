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

/**
 * A path to back up: as `pathArgument`, with a closing slash where one, or `/.`, was typed: then a symlink there is followed, as the
 * kernel does.
 *
 * @throws {HoldfastError} as `pathArgument`
 */
export function sourceArgument(text: string): string {
  const path = pathArgument(text);
  return path !== "/" && /\/\.?$/.test(text) ? `${path}/` : path;
}
