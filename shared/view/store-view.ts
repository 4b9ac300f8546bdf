import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { StateId } from "#shared/format/ids.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";
import type { FollowedStore } from "./followed-store.ts";
import type { Located } from "./located.ts";
import { isLatestAlias, latestAliases, latestName } from "./latest-aliases.ts";
import { idPrefixInName, snapshotName } from "./snapshot-name.ts";
import { SnapshotView } from "./snapshot-view.ts";
import { summariseSnapshot } from "./summarise-snapshot.ts";
import type { ContentRange, ListOptions, SnapshotSummary, View, ViewEntry } from "./view.ts";
import { madeUpDirectory } from "./view-entry.ts";

/** Which part of a store a view shows. */
export type StoreViewOptions = {
  /** Whether a snapshot is shown. */
  readonly admits?: ((snapshot: SnapshotSummary) => boolean) | undefined;
  /** Of each snapshot show nothing but what is below this absolute path. */
  readonly only?: string | undefined;
  /** Which snapshot an alias stands for; left out: always the newest one. */
  readonly chooseLatest?: ChooseLatest | undefined;
  /** Told of each snapshot that cannot be read, and that lists therefore leave out. */
  readonly onProblem?: ((problem: HoldfastError) => void) | undefined;
};

/**
 * Decides which snapshot an alias stands for, so that a reader who began in one ends in it.
 *
 * @param alias - `latest` or one of those of hosts and names
 * @param newest - finds the id of the snapshot that the alias stands for now
 * @returns the id of the snapshot; undefined: there is none
 */
export type ChooseLatest = (alias: string, newest: () => Promise<string | undefined>) => Promise<string | undefined>;

/**
 * All snapshots of a store as directories at the top, by the names of `snapshotName`; new ones appear as they are committed, removed ones
 * vanish. Ids find them as well; so do the name and the id of one that a repair replaced, and the aliases of `latestAliases`, which
 * lists show where they are asked to.
 */
export class StoreView implements View {
  readonly #store: FollowedStore;
  readonly #options: StoreViewOptions;

  constructor(store: FollowedStore, options: StoreViewOptions = {}) {
    this.#store = store;
    this.#options = options;
  }

  async stat(path: string): Promise<ViewEntry> {
    if (path === "/") {
      const [newest] = await this.#store.records();
      return madeUpDirectory("/", newest?.timeMs ?? 0);
    }
    return (await this.#below(path)).stat(path);
  }

  async *list(path: string, options: ListOptions = {}): AsyncGenerator<ViewEntry> {
    if (path !== "/") {
      yield* (await this.#below(path)).list(path, options);
      return;
    }
    const { after, limit = Number.POSITIVE_INFINITY, reverse = false, signal, withAliases = false } = options;
    const summaries = await this.#summaries(signal);
    const found = summaries.map((summary) => [summary.directory, summary] as const);
    if (withAliases) found.push(...latestAliases(summaries));
    found.sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
    if (reverse) found.reverse();
    let left = limit;
    for (const [name, summary] of found) {
      if (left <= 0) return;
      if (after !== undefined && (reverse ? name >= after : name <= after)) continue;
      left--;
      yield madeUpDirectory(`/${name}`, summary.timeMs, summary);
    }
  }

  async *below(path: string): AsyncGenerator<ViewEntry> {
    if (path !== "/") {
      yield* (await this.#below(path)).below(path);
      return;
    }
    for await (const entry of this.list("/")) {
      yield entry;
      yield* this.below(entry.path);
    }
  }

  async *open(entry: ViewEntry, range?: ContentRange): AsyncGenerator<Uint8Array> {
    yield* (await this.#below(entry.path)).open(entry, range);
  }

  async follow(path: string): Promise<ViewEntry | undefined> {
    if (path === "/") return this.stat(path);
    try {
      return await (await this.#below(path)).follow(path);
    } catch (error) {
      if (isHoldfastError(error, "absent")) return undefined;
      throw error;
    }
  }

  async locate(path: string): Promise<Located> {
    if (path === "/") throw new HoldfastError("invalid", "Cannot look into all snapshots at once");
    return (await this.#below(path)).locate(path);
  }

  /** The view of the snapshot that a path leads into; it shows the paths of this one. */
  async #below(path: string): Promise<SnapshotView> {
    const name = path.split("/")[1] ?? "";
    const summary = await this.#find(name);
    if (summary === undefined) throw new HoldfastError("absent", `Cannot find ${JSON.stringify(path)} in this store`);
    return new SnapshotView(this.#store, summary.id as StateId, {
      prefix: `/${name}`,
      only: this.#options.only,
      summary,
    });
  }

  async #find(name: string): Promise<SnapshotSummary | undefined> {
    if (isLatestAlias(name)) {
      const newest = async (): Promise<string | undefined> => (await this.#newest(name))?.id;
      const { chooseLatest } = this.#options;
      const id = await (chooseLatest === undefined ? newest() : chooseLatest(name, newest));
      return id === undefined ? undefined : this.#named(id);
    }
    return this.#named(name);
  }

  /** What an alias stands for now. */
  async #newest(alias: string): Promise<SnapshotSummary | undefined> {
    if (alias !== latestName) return latestAliases(await this.#summaries()).get(alias);
    for (const record of await this.#store.records()) {
      const summary = await this.#summary(record);
      if (summary !== undefined) return summary;
    }
    return undefined;
  }

  /** The snapshot by its name or id. */
  async #named(name: string): Promise<SnapshotSummary | undefined> {
    const prefix = idPrefixInName(name) ?? (/^[0-9a-f]{64}$/.test(name) ? name : undefined);
    if (prefix === undefined) return undefined;
    for (const record of await this.#store.recordsByPrefix(prefix)) {
      const summary = summariseSnapshot(await this.#store.snapshot(record));
      if (summary.directory !== name && summary.id !== name) continue;
      if (this.#options.admits?.(summary) ?? true) return summary;
    }
    for (const { old, record } of await this.#store.repairedByPrefix(prefix)) {
      const snapshot = await this.#store.snapshot(record);
      if (snapshotName(old, snapshot.header) !== name && old !== name) continue;
      const summary = summariseSnapshot(snapshot);
      if (this.#options.admits?.(summary) ?? true) return summary;
    }
    return undefined;
  }

  /** All that are shown, the newest first. */
  async #summaries(signal?: AbortSignal): Promise<SnapshotSummary[]> {
    const found: SnapshotSummary[] = [];
    for (const record of await this.#store.records()) {
      signal?.throwIfAborted();
      const summary = await this.#summary(record);
      if (summary !== undefined) found.push(summary);
    }
    return found;
  }

  /** Undefined: it is not shown, or cannot be read. */
  async #summary(record: SnapshotRecord): Promise<SnapshotSummary | undefined> {
    try {
      const summary = summariseSnapshot(await this.#store.snapshot(record));
      return (this.#options.admits?.(summary) ?? true) ? summary : undefined;
    } catch (error) {
      if (isHoldfastError(error, "absent")) return undefined; // it was removed and swept a moment ago
      if (!isHoldfastError(error, "corrupt", "incompatible")) throw error;
      this.#options.onProblem?.(error);
      return undefined;
    }
  }
}
