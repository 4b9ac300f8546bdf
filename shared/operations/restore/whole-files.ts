import type { Exporter, ExportProblem } from "#shared/connectors/exporter.ts";
import type { PlannedFile } from "./content-window.ts";

/** Names that wait, in bytes, and content that is written meanwhile, after which they are marked: what a run that is killed has to write again. */
const namesBytesMax = 32 * 1024 * 1024;
const contentBytesMax = 8 * 1024 * 1024 * 1024;
/** Beside its name, what a file takes here. */
const fileBytes = 64;

/**
 * Files that are written whole and wait for their content to be durable, to be marked as whole by their time.
 *
 * Memory: 32 MiB.
 */
export class WholeFiles {
  readonly #exporter: Exporter;
  readonly #problem: (path: string, problem: ExportProblem) => void;
  #paths: string[] = [];
  #times: number[] = [];
  #namesBytes = 0;
  #contentBytes = 0;

  constructor(exporter: Exporter, problem: (path: string, problem: ExportProblem) => void) {
    this.#exporter = exporter;
    this.#problem = problem;
  }

  add({ path, entry }: Pick<PlannedFile, "path" | "entry">): void {
    this.#paths.push(path);
    this.#times.push(entry.mtimeSec, entry.mtimeNsec);
    this.#namesBytes += path.length + fileBytes;
    this.#contentBytes += entry.size;
  }

  /** Whether so many wait that it is time to `settle`. */
  get isFull(): boolean {
    return this.#namesBytes > namesBytesMax || this.#contentBytes > contentBytesMax;
  }

  /** Makes durable what is written, and marks the files that were whole when this was called. @throws what `Exporter.sync` throws */
  async settle(): Promise<void> {
    if (this.#paths.length === 0) return;
    const paths = this.#paths;
    const times = this.#times;
    this.#paths = [];
    this.#times = [];
    this.#namesBytes = 0;
    this.#contentBytes = 0;
    await this.#exporter.sync();
    for (const [index, path] of paths.entries()) {
      const problems = this.#exporter.markWhole(path, times[index * 2] ?? 0, times[index * 2 + 1] ?? 0);
      for (const problem of problems) this.#problem(path, problem);
    }
  }
}
