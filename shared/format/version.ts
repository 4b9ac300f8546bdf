import { HoldfastError } from "#shared/errors.ts";

/**
 * The versions of each structure that this program writes and reads. A structure of a newer version is refused.
 *
 * @see FORMAT.md, Versioning
 */
export const formatVersions = {
  config: 1,
  keySlot: 1,
  pack: 1,
  state: 1,
  logEntry: 1,
  checkpoint: 1,
  checkpointPart: 2,
  segment: 1,
  directory: 1,
  index: 1,
  treeNode: 1,
  chunkList: 1,
  snapshot: 3,
  snapshotCopy: 1,
  errorList: 1,
  bundle: 1,
} as const;

/** The name of a versioned structure. */
export type VersionedStructure = keyof typeof formatVersions;

/**
 * Refuses a structure of a version that this program does not read.
 *
 * @throws {HoldfastError} incompatible: a newer version
 * @throws {HoldfastError} corrupt: version 0
 */
export function checkVersion(structure: VersionedStructure, version: number, subject: string): void {
  const known = formatVersions[structure];
  if (version > known) {
    throw new HoldfastError(
      "incompatible",
      `Cannot read ${subject}: its format version ${version} is newer than ${known}, the newest this program reads`,
      { detail: { version, known }, hint: "Use a newer version of Holdfast." },
    );
  }
  if (version < 1) throw new HoldfastError("corrupt", `Cannot read ${subject}: it has no version`);
}
