import type { Exporter } from "#shared/connectors/exporter.ts";
import { noExportProblems } from "#shared/connectors/exporter.ts";

/** Where the content modules of a simulated restore write to: the parts of each path. */
export type RestoredFiles = Map<string, Uint8Array>;

/** A target in memory that is empty at first. */
export function memoryExporter(files: RestoredFiles): Exporter {
  const open: { readonly path: string; readonly sizeBytes: number }[] = [];
  return {
    description: "memory",
    makeDirectory: () => undefined,
    decide: () => "create",
    foresee: () => "create",
    takeDirectory: () => true,
    finishUndescribed: () => undefined,
    updateFile: () => noExportProblems,
    makeOther: () => ({ isThere: true, problems: noExportProblems }),
    makeLink: () => undefined,
    openFile(path, entry) {
      files.set(path, new Uint8Array(entry.size));
      open.push({ path, sizeBytes: entry.size });
      return { handle: open.length, path, entry };
    },
    finishFile: () => noExportProblems,
    abandonFile: ({ path }) => void files.delete(path),
    markWhole: () => noExportProblems,
    sync: () => Promise.resolve(),
    finishDirectory: () => noExportProblems,
    finishLate: () => noExportProblems,
    hasLate: () => false,
    content: { moduleUrl: new URL("./memory-content-writer.ts", import.meta.url).href, options: files },
    close: () => undefined,
  };
}
