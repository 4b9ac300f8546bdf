import { HoldfastError } from "#shared/errors.ts";
import type { CborMap } from "./cbor.ts";

/**
 * The version of a section of a checkpoint, its field `version`.
 *
 * @throws {HoldfastError} incompatible: it is above `newest`
 * @throws {HoldfastError} corrupt: it is no version
 */
export function sectionVersion(map: CborMap, newest: number, subject: string): number {
  const version = map.integer("version", 1);
  if (version <= newest) return version;
  throw new HoldfastError("incompatible", `Cannot read ${subject}: its version ${version} is newer than ${newest}`, {
    hint: "Use a newer version of Holdfast.",
  });
}
