import type { ApplyOptions } from "./apply-metadata.ts";
import { markWhole } from "./mark-whole.ts";
import type { MetadataProblem } from "./metadata-problem.ts";
import { abandonFile, createFile, finishFile, type NewFile, writeAt } from "./write-file.ts";

/**
 * `createFile`, `writeAt`, `finishFile` and `markWhole` in one.
 *
 * @returns a problem for each attribute that could not be restored
 * @throws {HoldfastError} as `createFile` and `writeAt`; the file may be there in part then
 */
export function writeSmallFile(file: NewFile, data: Uint8Array, options: ApplyOptions): readonly MetadataProblem[] {
  const fd = createFile(file);
  try {
    writeAt(fd, data, 0, file.path);
  } catch (error) {
    abandonFile(fd);
    throw error;
  }
  const problems = finishFile(fd, file, options);
  const lost = markWhole(file.path, file.metadata, file.traits, file.directoryFd);
  return lost === undefined ? problems : [...problems, lost];
}
