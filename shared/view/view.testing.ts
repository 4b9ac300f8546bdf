import { type ScriptedEntry, scriptedSource } from "#shared/operations/backup/scripted-source.testing.ts";
import { backupSmall, createSmall, impatientClock, openSmall } from "#shared/operations/small-store.testing.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import type { Store } from "#shared/store/store.ts";
import { FollowedStore } from "./followed-store.ts";
import type { View } from "./view.ts";

/** A new store in memory with one snapshot of scripted entries below `root`. */
export async function storeOf(entries: readonly ScriptedEntry[], root = "/scripted"): Promise<Store> {
  const store = memoryStore();
  await createSmall(store);
  await backupSmall(store, [scriptedSource({ root, entries })]);
  return store;
}

/** A store, opened and followed; looks for news on every question. */
export async function follow(store: Store): Promise<FollowedStore> {
  return new FollowedStore(await openSmall(store), { clock: impatientClock, refreshMs: 0 });
}

/** The content that a view gives. */
export async function contentOf(view: View, path: string, range?: { start: number; end: number }): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of view.open(await view.stat(path), range)) parts.push(part);
  return Buffer.concat(parts);
}

/** Everything that an iterable gives. */
export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}
