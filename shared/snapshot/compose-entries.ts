import { compareEntryKeys, type Entry } from "#shared/format/entry.ts";
import type { SnapshotSource } from "#shared/format/snapshot.ts";
import { isBelow, readEntries, type ReadNode, type ReadOptions } from "#shared/tree/read-tree.ts";

/** An entry and the source that it is of. */
export type SourceEntry = { readonly entry: Entry; readonly source: SnapshotSource };

/** One source among those that are seen as one tree. */
export type ComposedSource = {
  readonly source: SnapshotSource;
  /** Path of its root in the composed tree; "" is the root of that. */
  readonly at: string;
};

/**
 * Everything below a directory of several sources that lie in one another, in the order of keys, itself not included: under the root of a source
 * only that source shows, or one whose root is deeper still.
 *
 * @param dir - in the composed tree
 * @param madeUp - directories that lead to a root and that no source holds, in order of their keys
 */
export async function* composeEntries(
  sources: readonly ComposedSource[],
  readNode: ReadNode,
  dir: string,
  options: ReadOptions & { readonly madeUp: readonly SourceEntry[] },
): AsyncGenerator<SourceEntry> {
  const streams = sources.map((each) => entriesOf(each, { sources, readNode, dir, onLost: options.onLost }));
  const heads = await Promise.all([...streams, each(options.madeUp)].map(async (stream) => nextOf(stream)));
  for (;;) {
    let least: Head | undefined;
    for (const head of heads)
      if (head.next !== undefined && (least?.next === undefined || compare(head.next, least.next) < 0)) least = head;
    if (least?.next === undefined) return;
    yield least.next;
    Object.assign(least, await nextOf(least.stream));
  }
}

type Head = { readonly stream: AsyncGenerator<SourceEntry>; next: SourceEntry | undefined };

async function nextOf(stream: AsyncGenerator<SourceEntry>): Promise<Head> {
  const step = await stream.next();
  return { stream, next: step.done === true ? undefined : step.value };
}

function compare(left: SourceEntry, right: SourceEntry): number {
  return compareEntryKeys(left.entry.dir, left.entry.name, right.entry.dir, right.entry.name);
}

/** The entries of one source that show below `dir`, placed in the composed tree. */
async function* entriesOf(
  { source, at }: ComposedSource,
  view: {
    readonly sources: readonly ComposedSource[];
    readonly readNode: ReadNode;
    readonly dir: string;
    readonly onLost: ReadOptions["onLost"];
  },
): AsyncGenerator<SourceEntry> {
  const { sources, readNode, dir, onLost } = view;
  const hidden = sources.flatMap((other) => (other.at !== at && isBelow(other.at, at) ? [other.at] : []));
  // Of a source that begins above the directory only what is below that is read.
  const isAbove = isBelow(dir, at);
  const from = isAbove ? { dir: at === dir ? "" : at === "" ? dir : dir.slice(at.length + 1), name: "" } : undefined;
  const told: ReadOptions["onLost"] =
    onLost === undefined ? undefined : (lost) => onLost({ ...lost, last: placed(lost.last, at) });
  for await (const entry of readEntries(source.tree, readNode, from, { onLost: told })) {
    const isRoot = entry.name === "";
    if (isRoot && isAbove) continue;
    const shown = at === "" ? entry : { ...entry, ...placed(entry, at) };
    if (!isRoot && !isBelow(shown.dir, dir)) return;
    if (hidden.length > 0 && isHidden(shown, hidden)) continue;
    yield { entry: shown, source };
  }
}

/** The key of an entry of a source whose root is at a path. */
function placed({ dir, name }: { dir: string; name: string }, at: string): { dir: string; name: string } {
  if (at === "") return { dir, name };
  if (name !== "") return { dir: dir === "" ? at : `${at}/${dir}`, name };
  const slash = at.lastIndexOf("/");
  return { dir: at.slice(0, Math.max(0, slash)), name: at.slice(slash + 1) };
}

function isHidden({ dir, name }: Entry, roots: readonly string[]): boolean {
  const path = dir === "" ? name : `${dir}/${name}`;
  return roots.some((root) => isBelow(path, root));
}

async function* each<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}
