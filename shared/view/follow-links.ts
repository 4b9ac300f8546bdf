import type { PlacedEntry } from "#shared/snapshot/snapshot-tree.ts";
import { entryTypes } from "#shared/format/entry.ts";

/** Links that one path may lead through, as on Linux. */
const linksMax = 40;
/** Parts of paths that are looked up for one path at most, whatever the links say. */
const stepsMax = 1024;

/**
 * Where an absolute path leads when every link on the way is followed, the last part included, with "/" for the root that ".." cannot
 * leave. Undefined: nowhere, or in a circle.
 *
 * @param find - what a path names, links not followed; undefined: nothing
 */
export async function followLinks(
  path: string,
  find: (path: string) => Promise<PlacedEntry | undefined>,
): Promise<PlacedEntry | undefined> {
  const left = partsOf(path).toReversed();
  let at = "/";
  let links = 0;
  for (let steps = 0; steps < stepsMax; steps++) {
    const part = left.pop();
    if (part === undefined) return find(at);
    if (part === "..") {
      at = at.slice(0, Math.max(1, at.lastIndexOf("/")));
      if (at === "") at = "/";
      continue;
    }
    const next = at === "/" ? `/${part}` : `${at}/${part}`;
    const found = await find(next);
    if (found === undefined) return undefined;
    const { type, target } = found.entry;
    if (type === entryTypes.symlink) {
      links++;
      if (links > linksMax || target === undefined || left.length > stepsMax) return undefined;
      if (target.startsWith("/")) at = "/";
      left.push(...partsOf(target).toReversed());
    } else if (left.length > 0 && type !== entryTypes.directory) return undefined;
    else at = next;
  }
  return undefined;
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}
