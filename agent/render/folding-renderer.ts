import type { HoldfastError } from "#shared/errors.ts";
import type { EntryError, Notice, Progress, Report } from "#shared/operations/progress.ts";
import { displayName } from "./display-name.ts";
import { formatCount } from "./format-count.ts";
import type { JsonRecord, Renderer } from "./renderer.ts";

/** Lines that say the same of different paths and are shown each; more are told together at the end. */
const shownMax = 10;
/** Different messages that are counted, and directories counted for each. */
const messagesMax = 1000;
const directoriesMax = 1000;
/** Directories that are named at the end. */
const namedDirectoriesMax = 8;

type Group = {
  count: number;
  readonly shown: number;
  readonly said: string;
  readonly directories: Map<string, number>;
  elsewhere: number;
};

/**
 * Shows the first lines that say the same of different paths, and at the end how many more there were and in which directories: one damaged segment is
 * some lines, not thousands. What only counts needs is remembered: memory is bounded by 1,000 messages with 1,000 directories each.
 */
export class FoldingRenderer implements Renderer {
  readonly #inner: Renderer;
  readonly #groups = new Map<string, Group>();

  constructor(inner: Renderer) {
    this.#inner = inner;
  }

  start(progress: Progress): void {
    this.#inner.start(progress);
  }

  notice(notice: Notice): void {
    if (notice.path === undefined || this.#isShown(notice.message, notice.path, notice.isOfFilesystem))
      this.#inner.notice(notice);
  }

  entryError(error: EntryError): void {
    if (this.#isShown(`${error.message} (${error.kind})`, error.path, error.isOfFilesystem))
      this.#inner.entryError(error);
  }

  finish(report: Report): void {
    this.#tellRest();
    this.#inner.finish(report);
  }

  result(event: string, value: JsonRecord, text: string): void {
    this.#inner.result(event, value, text);
  }

  heading(text: string): void {
    this.#inner.heading(text);
  }

  columns(): number | undefined {
    return this.#inner.columns();
  }

  aside(message: string): void {
    this.#inner.aside(message);
  }

  failure(error: HoldfastError): void {
    this.#tellRest();
    this.#inner.failure(error);
  }

  close(): void {
    this.#tellRest();
    this.#inner.close();
  }

  #isShown(said: string, path: string, isOfFilesystem = false): boolean {
    const group = this.#groups.get(said);
    if (group === undefined) {
      if (this.#groups.size < messagesMax)
        this.#groups.set(said, {
          count: 1,
          shown: isOfFilesystem ? 1 : shownMax,
          said,
          directories: new Map(),
          elsewhere: 0,
        });
      return true;
    }
    if (++group.count <= group.shown) return true;
    const directory = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    const there = group.directories.get(directory);
    if (there !== undefined || group.directories.size < directoriesMax)
      group.directories.set(directory, (there ?? 0) + 1);
    else group.elsewhere++;
    return false;
  }

  #tellRest(): void {
    for (const group of this.#groups.values()) {
      if (group.count > group.shown) this.#inner.notice({ level: "warning", message: describeRest(group) });
    }
    this.#groups.clear();
  }
}

function describeRest({ count, shown: shownAlready, said, directories, elsewhere }: Group): string {
  const byCount = [...directories].sort(([, one], [, other]) => other - one);
  const named = byCount.slice(0, namedDirectoriesMax).map(([name, each]) => `${formatCount(each)} in ${shown(name)}`);
  const others = elsewhere + byCount.slice(namedDirectoriesMax).reduce((sum, [, each]) => sum + each, 0);
  if (others > 0) named.push(`${formatCount(others)} elsewhere`);
  return `The same is said of ${formatCount(count - shownAlready)} more (--json names each), ${named.join(", ")}: ${said}`;
}

function shown(directory: string): string {
  return directory === "" ? "the top directory" : displayName(directory);
}
