import { resolve } from "node:path";

/** A path as typed, made absolute, as a binary string (one character per byte). */
export function pathArgument(text: string): string {
  return Buffer.from(resolve(text), "utf8").toString("latin1");
}
