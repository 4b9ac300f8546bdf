import { entryTypes } from "#shared/format/entry.ts";
import type { StateId } from "#shared/format/ids.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { PlacedEntry, SnapshotTree } from "#shared/snapshot/snapshot-tree.ts";
import { isBelow } from "#shared/tree/read-tree.ts";
import type { FollowedStore } from "./followed-store.ts";
import { followLinks } from "./follow-links.ts";
import type { Located } from "./located.ts";
import { readRange } from "./read-range.ts";
import { summariseSnapshot } from "./summarise-snapshot.ts";
import type { ContentRange, ListOptions, SnapshotSummary, View, ViewEntry } from "./view.ts";
import { madeUpDirectory, viewEntry } from "./view-entry.ts";

/** Which part of a snapshot a view shows. Paths are absolute in the snapshot, binary strings, without a closing slash. */
export type SnapshotViewOptions = {
  /** The directory that is "/" of the view; the whole snapshot when it is left out. */
  readonly root?: string | undefined;
  /** Show nothing but what is below this directory, and the directories that lead to it. */
  readonly only?: string | undefined;
  /** What stands before every path of the view, for a view in a view: "" or "/NAME". */
  readonly prefix?: string | undefined;
  /** The snapshot as the entry of its top tells of it. */
  readonly summary?: SnapshotSummary | undefined;
};

/** A snapshot, or a directory of one, as a view. Loads nothing until it is asked. */
export class SnapshotView implements View {
  readonly #store: FollowedStore;
  readonly #id: StateId;
  readonly #root: string;
  readonly #only: string;
  readonly #prefix: string;
  readonly #summary: SnapshotSummary | undefined;

  constructor(store: FollowedStore, id: StateId, options: SnapshotViewOptions = {}) {
    this.#store = store;
    this.#id = id;
    this.#root = options.root ?? "/";
    this.#only = options.only ?? "/";
    this.#prefix = options.prefix ?? "";
    this.#summary = options.summary;
  }

  async stat(path: string): Promise<ViewEntry> {
    return this.#shown(await this.#find(path));
  }

  async *list(path: string, options: ListOptions = {}): AsyncGenerator<ViewEntry> {
    const { after, limit = Number.POSITIVE_INFINITY, reverse = false, signal } = options;
    const { tree, place } = await this.#directory(path);
    if (reverse) {
      yield* this.#listBackwards(tree, place, options);
      return;
    }
    let left = limit;
    if (left <= 0) return;
    for await (const child of tree.list(place, after ?? "")) {
      signal?.throwIfAborted();
      if (!this.#shows(child.path)) continue;
      yield this.#shown(child);
      if (--left <= 0) return;
    }
  }

  async *below(path: string): AsyncGenerator<ViewEntry> {
    const { tree, place } = await this.#directory(path);
    if (this.#only === "/" || isAt(place.path, this.#only)) {
      for await (const child of tree.below(place)) yield this.#shown(child);
      return;
    }
    for await (const child of this.list(path)) {
      yield child;
      if (child.type === "directory") yield* this.below(child.path);
    }
  }

  async *open(entry: ViewEntry, range?: ContentRange): AsyncGenerator<Uint8Array> {
    const { place } = entry;
    if (place === undefined || this.#real(entry.path) === undefined) throw this.#absent(entry.path);
    yield* readRange(place.entry, await this.#store.reader(this.#id), this.#store.readAhead, range);
  }

  async follow(path: string): Promise<ViewEntry | undefined> {
    const real = this.#real(path);
    if (real === undefined) return undefined;
    const tree = await this.#tree(path);
    const found = await followLinks(real, async (each) => {
      try {
        return await tree.find(each);
      } catch (error) {
        if (isHoldfastError(error, "absent")) return undefined;
        throw error;
      }
    });
    return found === undefined || !this.#shows(found.path) || !isAt(found.path, this.#root)
      ? undefined
      : this.#shown(found);
  }

  async locate(path: string): Promise<Located> {
    const record = await this.#store.record(this.#id);
    if (record === undefined) throw this.#absent(path);
    const place = await this.#find(path);
    const tree = await this.#tree(path);
    return {
      store: this.#store,
      record,
      tree,
      place,
      summary: this.#summary ?? summariseSnapshot(tree.snapshot),
      showsAll: this.#only === "/" || isAt(place.path, this.#only),
      shows: (real) => isAt(real, this.#root) && this.#shows(real),
      shown: (shown) => this.#shown(shown),
    };
  }

  /** Holds the names of the directory and nothing else of it, then finds each again. */
  async *#listBackwards(
    tree: SnapshotTree,
    place: PlacedEntry,
    { after, limit = Number.POSITIVE_INFINITY, signal }: ListOptions,
  ): AsyncGenerator<ViewEntry> {
    const paths: string[] = [];
    const base = place.path === "/" ? "/" : `${place.path}/`;
    for await (const child of tree.list(place)) {
      signal?.throwIfAborted();
      if (after !== undefined && child.path >= base + after) break;
      if (this.#shows(child.path)) paths.push(child.path);
    }
    for (const path of paths.toReversed().slice(0, Number.isFinite(limit) ? limit : undefined)) {
      signal?.throwIfAborted();
      yield this.#shown(await tree.find(path));
    }
  }

  async #directory(path: string): Promise<{ tree: SnapshotTree; place: PlacedEntry & { path: string } }> {
    const place = await this.#find(path);
    if (place.entry.type !== entryTypes.directory) {
      throw new HoldfastError("invalid", `Cannot list ${JSON.stringify(path)}: it is no directory`);
    }
    return { tree: await this.#tree(path), place };
  }

  async #find(path: string): Promise<PlacedEntry> {
    const real = this.#real(path);
    if (real === undefined) throw this.#absent(path);
    const tree = await this.#tree(path);
    try {
      return await tree.find(real);
    } catch (cause) {
      if (!isHoldfastError(cause, "absent")) throw cause;
      throw this.#absent(path);
    }
  }

  async #tree(path: string): Promise<SnapshotTree> {
    const record = await this.#store.record(this.#id);
    if (record === undefined) throw this.#absent(path);
    return this.#store.tree(await this.#store.snapshot(record));
  }

  /** The path in the snapshot that a path of the view stands for; undefined: this view does not show it. */
  #real(path: string): string | undefined {
    if (path !== this.#prefix && !path.startsWith(`${this.#prefix}/`)) return undefined;
    const inside = path.slice(this.#prefix.length);
    if (inside !== "" && inside !== "/" && /\/(?:\.{0,2}(?:\/|$))|\0/.test(inside)) return undefined;
    const real = inside === "" || inside === "/" ? this.#root : this.#root === "/" ? inside : this.#root + inside;
    return this.#shows(real) ? real : undefined;
  }

  /** Whether something in the snapshot may be seen: it is below `only`, or leads to it. */
  #shows(real: string): boolean {
    return this.#only === "/" || isAt(real, this.#only) || isAt(this.#only, real);
  }

  #shown(place: PlacedEntry): ViewEntry {
    const inside =
      place.path === this.#root ? "" : this.#root === "/" ? place.path : place.path.slice(this.#root.length);
    const path = this.#prefix + inside;
    const isTop = inside === "";
    if (isTop && place.source === undefined && place.describedBy === undefined) {
      return madeUpDirectory(path === "" ? "/" : path, this.#summary?.timeMs ?? 0, this.#summary);
    }
    return viewEntry(path === "" ? "/" : path, place, isTop ? this.#summary : undefined);
  }

  #absent(path: string): HoldfastError {
    return new HoldfastError("absent", `Cannot find ${JSON.stringify(path)} in snapshot ${this.#id.slice(0, 8)}`);
  }
}

/** Whether an absolute path is at or below a directory. */
function isAt(path: string, directory: string): boolean {
  return directory === "/" || isBelow(path, directory);
}
