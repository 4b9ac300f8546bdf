import { realpathSync } from "node:fs";
import { statPath } from "#agent/filesystem/stat-path.ts";
import { binaryPath } from "#agent/filesystem/node-path.ts";
import { identityOf, nothingSkipped, type SkippedDirectories } from "#agent/importers/skipped-directories.ts";
import { isHoldfastError } from "#shared/errors.ts";

/** The directories of a store in which all of it lies. */
const parts = ["", "/packs", "/states", "/log", "/keys"];

/**
 * What a scan passes over so that a store does not back itself up: its directory by name and, for a bind mount shows it or a part of it
 * elsewhere, by identity.
 *
 * @param directory - absolute; undefined for a store that is no directory
 */
export function storeToSkip(directory: string | undefined): SkippedDirectories {
  if (directory === undefined) return nothingSkipped;
  const root = binaryPath(directory);
  const identities = parts.flatMap((part) => {
    try {
      const stat = statPath(`${root}${part}/.`);
      return stat.type === "directory" ? [identityOf(stat)] : [];
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      return [];
    }
  });
  if (identities.length === 0) return nothingSkipped;
  return { paths: [root, binaryPath(realpathSync(directory))], identities };
}
