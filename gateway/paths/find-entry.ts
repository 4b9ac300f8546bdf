import { isHoldfastError } from "#shared/errors.ts";
import type { View, ViewEntry } from "#shared/view/view.ts";

/** What a path names, a link as itself. Undefined: nothing. Throws what else the view throws. */
export async function findEntry(view: View, path: string): Promise<ViewEntry | undefined> {
  try {
    return await view.stat(path);
  } catch (error) {
    if (isHoldfastError(error, "absent")) return undefined;
    throw error;
  }
}

/** What a path names, or where the links on it lead. Undefined: nothing, or nowhere. Throws what else the view throws. */
export async function findFollowed(view: View, path: string): Promise<ViewEntry | undefined> {
  const entry = await findEntry(view, path);
  return entry === undefined || entry.type === "symlink" ? view.follow(path) : entry;
}
