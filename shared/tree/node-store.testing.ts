import { sha256 } from "#shared/crypto/sha256.ts";
import { chunkRowBytes, compareEntryKeys, type Entry, emptyEntry, entryTypes } from "#shared/format/entry.ts";
import { decodeTreeNode } from "#shared/format/tree-node.ts";
import type { TreeRoot } from "#shared/format/snapshot.ts";
import type { ReadNode } from "./read-tree.ts";
import { TreeBuilder } from "./tree-builder.ts";

/** Tree nodes in memory, named by their SHA-256; counts what is read. */
export class NodeStore {
  readonly nodes = new Map<string, Uint8Array>();
  reads = 0;

  readonly write = (bytes: Uint8Array): Uint8Array => {
    const id = sha256(bytes);
    this.nodes.set(Buffer.from(id).toString("hex"), bytes.slice());
    return id;
  };

  readonly read: ReadNode = (nodeId) => {
    this.reads++;
    const name = Buffer.from(nodeId).toString("hex");
    const bytes = this.nodes.get(name);
    return bytes === undefined
      ? Promise.reject(new Error(`no node ${name}`))
      : Promise.resolve(decodeTreeNode(bytes, name));
  };
}

/** Builds a tree entry by entry. Sorts a copy of the entries first. */
export function buildTree(store: NodeStore, entries: readonly Entry[]): TreeRoot {
  const builder = new TreeBuilder(store.write);
  for (const entry of sorted(entries)) builder.add(entry);
  return builder.finish();
}

/** Entries in key order, of equal keys the last. */
export function sorted(entries: readonly Entry[]): Entry[] {
  const byPath = new Map(entries.map((entry) => [`${entry.dir}\0/${entry.name}`, entry]));
  return [...byPath.values()].sort((left, right) => compareEntryKeys(left.dir, left.name, right.dir, right.name));
}

/** The directory at the root of every tree. */
export const rootEntry: Entry = emptyEntry("", "", entryTypes.directory);

/** A file of a size, of one chunk that is not there. */
export function fileEntry(dir: string, name: string, size = 0): Entry {
  const chunks = new Uint8Array(size === 0 ? 0 : chunkRowBytes);
  if (size > 0) new DataView(chunks.buffer).setUint32(32, size, true);
  return { ...emptyEntry(dir, name, entryTypes.file), mode: 0o644, size, inodeLo: size, chunks };
}

/** A directory. */
export function directoryEntry(dir: string, name: string): Entry {
  return { ...emptyEntry(dir, name, entryTypes.directory), mode: 0o755 };
}
