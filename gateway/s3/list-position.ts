import type { WalkPosition } from "./walk-keys.ts";

/** A place in the listing of one snapshot. */
export type ListPosition = {
  /** The id of the snapshot, or the name of the bucket where only one is served: of `S3Request`'s bucket. */
  readonly snapshot: string;
  readonly position: WalkPosition;
};

/** What begins a token that stands where S3 has a key or the id of a version. */
const tokenMark = "holdfast-listing:";

/** A place in a listing as a token that clients give back. */
export function encodePosition({ snapshot, position: { key, isClean } }: ListPosition): string {
  return Buffer.from(`${isClean ? "1" : "0"}${snapshot}/${key}`, "latin1").toString("base64url");
}

/** The place that a token names; undefined: it is no token of ours. Whoever makes one up sees nothing that they could not see. */
export function decodePosition(token: string): ListPosition | undefined {
  if (!/^[\w-]+$/.test(token)) return undefined;
  const text = Buffer.from(token, "base64url").toString("latin1");
  const [, isClean, snapshot, key] = /^([01])([a-z0-9-]{1,64})\/(.*)$/s.exec(text) ?? [];
  if (snapshot === undefined || key === undefined) return undefined;
  return { snapshot, position: { key, skipsPrefix: true, isClean: isClean === "1" } };
}

/** The same as a marker, which is told from a key by how it begins. */
export function encodeMarker(place: ListPosition): string {
  return tokenMark + encodePosition(place);
}

/** The token in a marker; undefined: it is a key. */
export function tokenInMarker(marker: string): string | undefined {
  return marker.startsWith(tokenMark) ? marker.slice(tokenMark.length) : undefined;
}
