import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/**
 * The first file of `names` found in `directories`, or undefined.
 *
 * Absolute names are taken as they are and need only exist; others must be executable.
 */
export function findProgram(names: readonly string[], directories: readonly string[]): string | undefined {
  for (const name of names) {
    if (isAbsolute(name)) {
      if (statSync(name, { throwIfNoEntry: false })?.isFile() === true) return name;
      continue;
    }
    for (const directory of directories) {
      const path = join(directory, name);
      if (statSync(path, { throwIfNoEntry: false })?.isFile() === true && isExecutable(path)) return path;
    }
  }
  return undefined;
}

/** The directories of a PATH variable. */
export function pathDirectories(path: string): readonly string[] {
  return path.split(delimiter).filter((directory) => directory !== "");
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
