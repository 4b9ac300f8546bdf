import type { ExportProblem } from "./exporter.ts";
import type { ExtendedAttributes } from "./content-reader.ts";

/** What a small file is to become. The caller reuses the object. */
export type FileToWrite = {
  path: string;
  /** Whether something is there that gives way. */
  replace: boolean;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  xattrs: ExtendedAttributes | undefined;
  flags: number;
  /** Offset and length of each data range in turn, for a sparse file. */
  extents: readonly number[] | undefined;
};

/**
 * Writes the content of files in a worker thread, synchronously.
 *
 * A module given as `Exporter.content.moduleUrl` exports `createContentWriter(options: unknown): ContentWriter`.
 */
export interface ContentWriter {
  /**
   * Writes a whole file whose content is verified and at hand, with its metadata but for the time, which `Exporter.markWhole` puts on it.
   *
   * @param data - the content, holes left out
   * @throws {HoldfastError} it could not be written; nothing of it is left under its name
   */
  writeFile(file: FileToWrite, data: Uint8Array): readonly ExportProblem[];
  /** Writes part of a file that the main thread opened; runs of zeros may become holes. */
  writePart(handle: number, data: Uint8Array, offset: number, path: string): void;
  close(): void;
}
