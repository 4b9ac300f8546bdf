import type { View, ViewEntry } from "#shared/view/view.ts";
import { walkKeys, type WalkPosition } from "./walk-keys.ts";

/** Which page of a listing. Texts are binary strings. */
export type PageRequest = {
  readonly view: View;
  readonly root: string;
  readonly prefix: string;
  /** "" for none. */
  readonly delimiter: string;
  readonly after: WalkPosition | undefined;
  readonly limit: number;
};

/** A page: objects and common prefixes, both in order, and where the next one begins. */
export type ListPage = {
  readonly objects: readonly { readonly key: string; readonly entry: ViewEntry }[];
  readonly prefixes: readonly string[];
  /** Undefined: this was the last one. */
  readonly next: WalkPosition | undefined;
};

/** One page of the keys of a bucket. Holds no more than the page. */
export async function listPage({ view, root, prefix, delimiter, after, limit }: PageRequest): Promise<ListPage> {
  const objects: { key: string; entry: ViewEntry }[] = [];
  const prefixes: string[] = [];
  if (limit === 0) return { objects, prefixes, next: undefined };
  let position: WalkPosition | undefined;
  let last = after?.skipsPrefix === true ? after.key : undefined;
  for await (const { key, entry, isClean } of walkKeys({ view, root, prefix, after, collapses: delimiter === "/" })) {
    const common = entry === undefined ? key : delimiter === "/" ? undefined : commonPrefix(key, prefix, delimiter);
    if (common !== undefined && common === last) continue;
    if (objects.length + prefixes.length === limit) return { objects, prefixes, next: position };
    last = common;
    position = { key: common ?? key, skipsPrefix: true, isClean };
    if (common !== undefined) prefixes.push(common);
    else if (entry !== undefined) objects.push({ key, entry });
  }
  return { objects, prefixes, next: undefined };
}

function commonPrefix(key: string, prefix: string, delimiter: string): string | undefined {
  const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}
