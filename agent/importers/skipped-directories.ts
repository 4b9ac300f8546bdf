import type { EntryStat } from "#agent/filesystem/entry-stat.ts";

/** Which directory it is, whatever its path. */
export type DirectoryIdentity = { readonly device: number; readonly inodeHi: number; readonly inodeLo: number };

/** Directories that a scan passes over, by path or by identity: a bind mount shows one under another path. */
export type SkippedDirectories = {
  /** Absolute, as binary strings. */
  readonly paths: readonly string[];
  readonly identities: readonly DirectoryIdentity[];
};

export const nothingSkipped: SkippedDirectories = { paths: [], identities: [] };

export function identityOf({ deviceMajor, deviceMinor, inodeHi, inodeLo }: EntryStat): DirectoryIdentity {
  return { device: deviceMajor * 0x1_0000_0000 + deviceMinor, inodeHi, inodeLo };
}

export function isSkipped({ paths, identities }: SkippedDirectories, path: string, found: DirectoryIdentity): boolean {
  return paths.includes(path) || identities.some((each) => isSame(each, found));
}

function isSame(left: DirectoryIdentity, right: DirectoryIdentity): boolean {
  return left.inodeLo === right.inodeLo && left.inodeHi === right.inodeHi && left.device === right.device;
}
