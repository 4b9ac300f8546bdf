import type { View, ViewEntry } from "#shared/view/view.ts";
import { findFollowed } from "#gateway/paths/find-entry.ts";

/** A file or directory as WebDAV shows it. */
export type ShownEntry = {
  /** Under the path that was asked for, links on the way and all. */
  readonly entry: ViewEntry;
  /** Where it really is in the view. */
  readonly realPath: string;
};

/** What a path names, or where the links on it lead, if that is a file or directory. Undefined: nothing, or a special file. */
export async function findShown(view: View, path: string): Promise<ShownEntry | undefined> {
  const found = await findFollowed(view, path);
  if (found?.type !== "file" && found?.type !== "directory") return undefined;
  return { entry: renamed(found, path), realPath: found.path };
}

/**
 * A directory, and what is in it. WebDAV knows files and collections only: a link to a file is that file under the name of the link. Left out
 * are links to directories, in which a client that copies could go in circles (asked for by path they are there), links that lead
 * nowhere, and special files.
 */
export async function* listShown(view: View, { entry, realPath }: ShownEntry): AsyncGenerator<ViewEntry> {
  yield entry;
  const base = entry.path === "/" ? "" : entry.path;
  for await (const child of view.list(realPath, { withAliases: true })) {
    const found = child.type === "symlink" ? await view.follow(child.path) : child;
    if (found?.type === "file" || (found?.type === "directory" && child.type === "directory")) {
      yield renamed(found, `${base}/${child.name}`);
    }
  }
}

function renamed(entry: ViewEntry, path: string): ViewEntry {
  return entry.path === path ? entry : { ...entry, path, name: path.slice(path.lastIndexOf("/") + 1) };
}
