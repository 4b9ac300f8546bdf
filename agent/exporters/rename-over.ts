import { renameSync } from "node:fs";
import { filesystemError } from "#agent/filesystem/filesystem-error.ts";
import { nodePath } from "#agent/filesystem/node-path.ts";

/** Gives a file in a directory another name there, in place of whatever has it. */
export function renameOver(from: string, to: string, directoryFd: number): void {
  try {
    renameSync(nodePath(from, directoryFd), nodePath(to, directoryFd));
  } catch (error) {
    throw filesystemError("put in place", to, error);
  }
}
