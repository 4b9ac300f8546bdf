import type { View, ViewEntry } from "#shared/view/view.ts";

/** What a page shows of an entry: whether it can be opened, and how. */
export type PageLink = "directory" | "file" | "none";

/**
 * Tells how the entries of a directory are linked in its page. A link to a directory is one, so that programs that copy go into it; one that
 * leads to a directory on the way to this page, or above it, is not linked: they would go in circles.
 */
export class LinkedDirectories {
  readonly #view: View;
  readonly #path: string;
  #onTheWay: Promise<readonly string[]> | undefined;

  /** @param path - the path of the page as it was asked for, links and all */
  constructor(view: View, path: string) {
    this.#view = view;
    this.#path = path;
  }

  async linkOf(entry: ViewEntry): Promise<PageLink> {
    const found = entry.type === "symlink" ? await this.#view.follow(entry.path) : entry;
    if (found?.type === "file") return found.error === undefined ? "file" : "none";
    if (found?.type !== "directory") return "none";
    if (entry.type !== "symlink") return "directory";
    this.#onTheWay ??= this.#realPaths();
    const base = found.path === "/" ? "/" : `${found.path}/`;
    return (await this.#onTheWay).some((path) => path === found.path || path.startsWith(base)) ? "none" : "directory";
  }

  /** Where the directories on the way to the page really are, the page itself among them. */
  async #realPaths(): Promise<string[]> {
    const real: string[] = [];
    for (let end = this.#path.length; end > 0; end = this.#path.lastIndexOf("/", end - 1)) {
      const found = await this.#view.follow(this.#path.slice(0, end));
      if (found !== undefined) real.push(found.path);
    }
    return real;
  }
}
