import { existsSync, readdirSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileSystemCode } from "#shared/store/file-system-error.ts";

/** Why a directory stays: there is something in it, or it is gone, or it is someone else's to remove. */
const reasonsToStay: readonly (string | undefined)[] = [
  "ENOTEMPTY",
  "EEXIST",
  "ENOENT",
  "EACCES",
  "EPERM",
  "EBUSY",
  "EROFS",
];

/**
 * Looks at the directory of a store that is about to be probed.
 *
 * @returns removes the empty directories that the probe leaves: its own, and of those around them the ones that were not there before
 */
export function probeDirectory(storeDirectory: string): (prefix: string) => Promise<void> {
  const missing: string[] = [];
  for (let path = storeDirectory; !existsSync(path) && dirname(path) !== path; path = dirname(path)) missing.push(path);
  const temporaries = join(storeDirectory, "tmp");
  if (!existsSync(temporaries)) missing.unshift(temporaries);
  return async (prefix) => {
    removeEmpty(join(storeDirectory, prefix));
    for (const path of [dirname(join(storeDirectory, prefix)), ...missing]) removeIfEmpty(path);
  };
}

function removeEmpty(path: string): void {
  for (const each of entriesOf(path)) if (each.isDirectory()) removeEmpty(join(path, each.name));
  removeIfEmpty(path);
}

function entriesOf(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (fileSystemCode(error) === "ENOENT") return [];
    throw error;
  }
}

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (!reasonsToStay.includes(fileSystemCode(error))) throw error;
  }
}
