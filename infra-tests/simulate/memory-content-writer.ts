import type { ContentWriter } from "#shared/connectors/content-writer.ts";
import { noExportProblems } from "#shared/connectors/exporter.ts";
import type { RestoredFiles } from "./memory-exporter.ts";

/** Makes a writer of files in memory, for a thread that shares it. */
export function createContentWriter(options: unknown): ContentWriter {
  const files = options as RestoredFiles;
  return {
    writeFile({ path }, data) {
      files.set(path, data.slice());
      return noExportProblems;
    },
    writePart: (_handle, data, offset, path) => files.get(path)?.set(data, offset),
    close: () => undefined,
  };
}
