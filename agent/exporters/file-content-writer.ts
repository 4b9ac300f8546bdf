import type { ContentWriter, FileToWrite } from "#shared/connectors/content-writer.ts";
import type { ExportProblem } from "#shared/connectors/exporter.ts";
import type { ApplyOptions } from "#agent/filesystem/apply-metadata.ts";
import type { EntryMetadata } from "#agent/filesystem/entry-metadata.ts";
import { removeEntry } from "#agent/filesystem/make-special.ts";
import { mapAcls, type OwnerMap } from "#agent/filesystem/posix-acl.ts";
import { noExtended } from "#agent/filesystem/read-extended.ts";
import { lockTemporary } from "#agent/filesystem/remove-leftovers.ts";
import { SafeTarget } from "#agent/filesystem/safe-target.ts";
import { temporaryName } from "#agent/filesystem/temporary-name.ts";
import {
  abandonFile,
  createFile,
  finishFile,
  type NewFile,
  setFileSize,
  writeAt,
} from "#agent/filesystem/write-file.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { type OwnerChoice, ownerMap } from "./owner-map.ts";
import { putInPlace } from "./put-in-place.ts";
import { writeWithHoles } from "./write-with-holes.ts";

/** What a writer of files is given, as plain data. */
export type FileContentWriterOptions = {
  /** Directory that is written into, a binary path. */
  readonly root: string;
  readonly owners: OwnerChoice;
  readonly xattrs: boolean;
  /** Whether runs of zeros become holes. */
  readonly sparse: boolean;
};

/** Makes the writer of files that restore threads use. */
export function createContentWriter(options: unknown): ContentWriter {
  return new FileContentWriter(options as FileContentWriterOptions);
}

class FileContentWriter implements ContentWriter {
  readonly #target: SafeTarget;
  readonly #owners: OwnerMap;
  readonly #options: FileContentWriterOptions;
  readonly #apply: ApplyOptions;

  constructor(options: FileContentWriterOptions) {
    this.#options = options;
    this.#target = SafeTarget.open(options.root);
    this.#owners = ownerMap(options.owners);
    this.#apply = { owner: options.owners.how !== "none" };
  }

  writeFile(file: FileToWrite, data: Uint8Array): readonly ExportProblem[] {
    const place = this.#target.locate(file.path);
    const name = file.replace ? temporaryName() : place.path;
    const made: NewFile = {
      path: name,
      directoryFd: place.directoryFd,
      traits: place.traits,
      metadata: this.#metadata(file),
    };
    const fd = createFile(made);
    if (file.replace) lockTemporary(fd);
    let problems: readonly ExportProblem[];
    try {
      try {
        this.#writeContent(fd, file, data);
      } catch (error) {
        abandonFile(fd);
        throw error;
      }
      problems = finishFile(fd, made, this.#apply);
      if (file.replace) {
        const { metadata } = made;
        const told = putInPlace(name, place.path, place.directoryFd, { metadata, apply: this.#apply });
        if (told.length > 0) problems = [...problems, ...told];
      }
    } catch (error) {
      removeQuietly(name, place.directoryFd);
      throw error;
    }
    return problems;
  }

  writePart(handle: number, data: Uint8Array, offset: number, path: string): void {
    if (this.#options.sparse) writeWithHoles(handle, data, offset, path);
    else writeAt(handle, data, offset, path);
  }

  close(): void {
    this.#target.close();
  }

  #writeContent(fd: number, file: FileToWrite, data: Uint8Array): void {
    const { extents, path } = file;
    if (extents === undefined && !this.#options.sparse) {
      if (data.byteLength > 0) writeAt(fd, data, 0, path);
      return;
    }
    setFileSize(fd, file.size, path);
    if (extents === undefined) {
      writeWithHoles(fd, data, 0, path);
      return;
    }
    let from = 0;
    for (let index = 0; index < extents.length; index += 2) {
      const length = extents[index + 1] ?? 0;
      writeAt(fd, data.subarray(from, from + length), extents[index] ?? 0, path);
      from += length;
    }
  }

  #metadata(file: FileToWrite): EntryMetadata {
    return {
      type: "file",
      mode: file.mode,
      uid: this.#owners.uid(file.uid),
      gid: this.#owners.gid(file.gid),
      mtimeSec: 0,
      mtimeNsec: 0,
      extended: this.#options.xattrs && file.xattrs !== undefined ? mapAcls(file.xattrs, this.#owners) : noExtended,
      flags: file.flags,
    };
  }
}

/** Removes what was left of a file; that it cannot be removed is not worth more than the error that led here. */
function removeQuietly(name: string, directoryFd: number): void {
  try {
    removeEntry(name, "other", directoryFd);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
  }
}
