import { readdirSync, statSync } from "node:fs";
import { displayPath } from "#agent/filesystem/display-path.ts";
import { removeEntry } from "#agent/filesystem/make-special.ts";
import { nodePath } from "#agent/filesystem/node-path.ts";
import type { TargetPlace } from "#agent/filesystem/safe-target.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";

/** Removes a directory that is to give way. @returns false: something is in it */
export function removeEmptyDirectory(place: TargetPlace): boolean {
  try {
    return removeEntry(place.path, "directory", place.directoryFd);
  } catch (error) {
    if (isHoldfastError(error)) return false;
    throw error;
  }
}

/** Whether a directory that is to give way has nothing in it; one that cannot be read counts as full. */
export function isEmptyDirectory(place: TargetPlace): boolean {
  try {
    return readdirSync(nodePath(place.path, place.directoryFd)).length === 0;
  } catch {
    return false;
  }
}

/** Whether a link leads to a directory. */
export function leadsToDirectory(place: TargetPlace): boolean {
  return statSync(nodePath(place.path, place.directoryFd), { throwIfNoEntry: false })?.isDirectory() === true;
}

/** The error of an entry whose place is taken. */
export function inTheWay(path: string, existing: string): HoldfastError {
  return new HoldfastError("conflict", `Cannot restore ${displayPath(path)}: a ${existing} is in the way`, {
    hint: "Move it away, or restore into an empty directory with --to.",
  });
}

/** The error of a directory in whose place a link is that leads to another. */
export function linkInTheWay(path: string): HoldfastError {
  const message = `Cannot restore the directory ${displayPath(path)}: a symbolic link to a directory is in its place, so nothing below it was restored`;
  return new HoldfastError("conflict", message, {
    hint: "Remove the link, or restore this directory into the one that it leads to, with --to.",
  });
}
