import type { WalkPosition } from "./walk-keys.ts";

/** A place in a listing as a token that clients give back. */
export function encodePosition({ key, isClean }: WalkPosition): string {
  return Buffer.from(`${isClean ? "1" : "0"}${key}`, "latin1").toString("base64url");
}

/** The place that a token names; undefined: it is no token of ours. Whoever makes one up sees nothing that they could not see. */
export function decodePosition(token: string): WalkPosition | undefined {
  if (!/^[\w-]+$/.test(token)) return undefined;
  const text = Buffer.from(token, "base64url").toString("latin1");
  if (!/^[01]/.test(text)) return undefined;
  return { key: text.slice(1), skipsPrefix: true, isClean: text.startsWith("1") };
}
