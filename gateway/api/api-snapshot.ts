import type { SnapshotSummary, View, ViewEntry } from "#shared/view/view.ts";
import { encodePath } from "#gateway/paths/encode-path.ts";
import { showName } from "#gateway/paths/show-name.ts";
import type { Mount } from "#gateway/mount.ts";
import { binary } from "./api-entry.ts";
import { flag, integer, list, number, object, text, type ValueOf } from "./schema.ts";

/** A snapshot as the API tells of it. */
export const apiSnapshotSchema = object({
  path: text("The directory that shows it, as paths of entries are written."),
  id: text("64 hexadecimal digits."),
  timeMs: number("When the backup began, milliseconds since 1970 UTC."),
  durationMs: number("How long it took, milliseconds."),
  host: text("The host it is of."),
  user: text("Who made it."),
  name: text("The name of the series it belongs to."),
  tags: list(text("A tag."), "Its tags."),
  roots: list(text("A path, for people."), "What was backed up."),
  entries: integer("Paths in it."),
  totalBytes: integer("Sum of the sizes of its files."),
  errorCount: integer("Entries that could not be read, or changed while they were, and those that were lost later."),
  lostPaths: integer(
    "Those of them that were lost: a repair did not find their content. 0 unless the snapshot is damaged.",
  ),
  isRepaired: flag("Whether a repair put it in the place of a damaged one. Old ids and paths lead to it."),
});

/** A snapshot as the API tells of it. */
export type ApiSnapshot = ValueOf<typeof apiSnapshotSchema>;

/** Tells of a snapshot that shows at `path` (a binary string). */
export function apiSnapshot(path: string, summary: SnapshotSummary): ApiSnapshot {
  return {
    path: encodePath(path),
    id: summary.id,
    timeMs: summary.timeMs,
    durationMs: summary.durationMs,
    host: showText(summary.host),
    user: showText(summary.user),
    name: showText(summary.name),
    tags: summary.tags.map(showText),
    roots: summary.roots.map(showName),
    entries: summary.entries,
    totalBytes: summary.totalBytes,
    errorCount: summary.errorCount,
    lostPaths: summary.lostPaths,
    isRepaired: summary.isRepaired,
  };
}

/** Text for people: what would not be seen, or would mislead the eye, is written out. */
export function showText(content: string): string {
  return showName(binary(content));
}

/** The tops of snapshots, the newest first: all of a store's, or the one that is mounted. */
export async function* snapshotTops(
  view: View,
  mount: Mount,
): AsyncGenerator<ViewEntry & { readonly snapshot: SnapshotSummary }> {
  if (mount.kind === "snapshot") {
    const { summary } = await view.locate("/");
    yield { ...(await view.stat("/")), snapshot: summary };
    return;
  }
  // Names tell the time to the second: those of one second are held and put in order.
  let held: (ViewEntry & { readonly snapshot: SnapshotSummary })[] = [];
  for await (const top of view.list("/", { reverse: true })) {
    if (top.snapshot === undefined) continue;
    const [first] = held;
    if (first !== undefined && secondOf(first.snapshot) !== secondOf(top.snapshot)) {
      yield* newestFirst(held);
      held = [];
    }
    held.push({ ...top, snapshot: top.snapshot });
  }
  yield* newestFirst(held);
}

/** A path of a view as the snapshot that it is in, and what follows it. */
export function splitPath(mount: Mount, path: string): { readonly top: string; readonly inside: string } {
  if (mount.kind === "snapshot") return { top: "/", inside: path === "/" ? "" : path };
  const slash = path.indexOf("/", 1);
  return slash < 0 ? { top: path, inside: "" } : { top: path.slice(0, slash), inside: path.slice(slash) };
}

/** The path of something inside a snapshot that shows at `top`. */
export function joinPath(top: string, inside: string): string {
  return top === "/" ? inside || "/" : top + inside;
}

function newestFirst<Top extends { readonly snapshot: SnapshotSummary }>(tops: readonly Top[]): Top[] {
  return tops.toSorted((left, right) => right.snapshot.timeMs - left.snapshot.timeMs);
}

function secondOf({ timeMs }: SnapshotSummary): number {
  return Math.floor(timeMs / 1000);
}
