import { decodeCborMap, encodeCbor } from "./cbor.ts";
import { formatLimits } from "./limits.ts";
import { sectionVersion } from "./section-version.ts";

/** The name of the section of a checkpoint that names its parts. */
export const partsSectionName = "parts";

/** A part of a checkpoint: the object `checkpoints/parts/<sha256>`. */
export type ListedPart = {
  /** SHA-256 of its head: its name, 32 bytes. */
  readonly sha256: Uint8Array;
  /** Length of the head and of the whole object, bytes. */
  readonly headBytes: number;
  readonly bytes: number;
  /** States in it. */
  readonly states: number;
  /** Packs in it that relocations placed. */
  readonly placed: number;
};

/** Without placed packs it is of version 1. @see FORMAT.md, Checkpoint */
export function encodePartsSection(parts: readonly ListedPart[]): Uint8Array {
  const version = parts.some((each) => each.placed > 0) ? 2 : 1;
  return encodeCbor({
    version,
    parts: parts.map(({ sha256, headBytes, bytes, states, placed }) => ({
      sha256,
      headBytes,
      bytes,
      states,
      ...(version === 1 ? {} : { placed }),
    })),
  });
}

/** @throws {HoldfastError} corrupt or incompatible */
export function decodePartsSection(bytes: Uint8Array, subject: string): ListedPart[] {
  const map = decodeCborMap(bytes, subject);
  const version = sectionVersion(map, 2, subject);
  const parts = map.maps("parts").map((each) => {
    const part = {
      sha256: each.bytes("sha256", 32),
      headBytes: each.integer("headBytes", 1, formatLimits.checkpointPartBytes),
      bytes: each.integer("bytes", 1, formatLimits.checkpointPartBytes),
      states: each.integer("states", version === 1 ? 1 : 0),
      placed: version === 1 ? 0 : each.integer("placed"),
    };
    if (part.states + part.placed === 0) each.fail("states", "are none, nor are there placed packs");
    if (part.headBytes > part.bytes) each.fail("headBytes", "are more than the part has");
    each.end();
    return part;
  });
  map.end();
  return parts;
}
