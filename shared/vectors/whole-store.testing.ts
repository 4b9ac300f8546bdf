import { decodeRecoveryKey } from "#shared/crypto/recovery-key.ts";
import { createSha256 } from "#shared/crypto/sha256.ts";
import { createSigner } from "#shared/crypto/signing.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { type Entry, entryTypes } from "#shared/format/entry.ts";
import { systemRandom } from "#shared/random.ts";
import type { BlobReader } from "#shared/repository/blob-reader.ts";
import type { SlotSecret } from "#shared/repository/key-slots.ts";
import { openBundle, openRepository, readConfig } from "#shared/repository/open-repository.ts";
import { readContent } from "#shared/snapshot/read-content.ts";
import { readSnapshot } from "#shared/snapshot/read-snapshot.ts";
import { SnapshotTree } from "#shared/snapshot/snapshot-tree.ts";
import { manualClock } from "#shared/store/manual-clock.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import type { Store } from "#shared/store/store.ts";
import { vectorTimeMs } from "./fixed-store.testing.ts";
import { type Json, toJson, type Vector } from "./vector.testing.ts";

/** The objects of a store vector as a store. */
export async function storeOf(vector: Vector): Promise<Store> {
  const store = memoryStore();
  for (const [key, base64] of Object.entries(vector.input as Record<string, string>))
    await store.put(key, [Buffer.from(base64, "base64")]);
  return store;
}

/** The secrets that a store vector names, each of which opens it. */
export function secretsOf(vector: Vector): SlotSecret[] {
  const { passphrase, recoveryKey } = vector.context;
  return [
    ...(typeof passphrase === "string" ? [{ kind: "passphrase", passphrase } as const] : []),
    ...(typeof recoveryKey === "string" ? [{ kind: "random", secret: decodeRecoveryKey(recoveryKey) } as const] : []),
  ];
}

/** All that is in a store: its snapshots, newest last, and every entry with the hash of its content. */
export async function readWholeStore(store: Store, secret: SlotSecret | undefined): Promise<Json> {
  const read = await readConfig(store);
  const bundle = await openBundle(store, read, () =>
    secret === undefined ? Promise.reject(new TypeError("A secret is asked for")) : Promise.resolve(secret),
  );
  const repository = await openRepository({
    store,
    read,
    bundle,
    signer: createSigner(new Uint8Array(32)),
    clock: manualClock(vectorTimeMs),
    random: systemRandom,
  });
  const reader = await repository.blobReader();
  if (repository.problems[0] !== undefined) throw repository.problems[0].error;
  const records = [...repository.log.snapshots.values()].toSorted((left, right) => left.seq - right.seq);
  const snapshots: Json[] = [];
  for (const record of records) {
    const snapshot = await readSnapshot(repository, record);
    const tree = new SnapshotTree(snapshot, reader);
    const root = await tree.find("/srv/data");
    const entries: Json[] = [await describe(root.path, root.entry, reader)];
    for await (const { path, entry } of tree.below(root)) entries.push(await describe(path, entry, reader));
    const { header } = snapshot;
    snapshots.push({
      id: snapshot.id,
      removed: record.removed !== undefined,
      host: header.host,
      tags: header.tags,
      timeMs: header.timeMs,
      totals: toJson(
        header.sources.map(({ tree: { entries: count, totalBytes, level } }) => ({
          entries: count,
          totalBytes,
          level,
        })),
      ),
      entries,
    });
  }
  return { storeId: read.config.storeId, snapshots };
}

const names = new Map<number, string>(Object.entries(entryTypes).map(([name, number]) => [number, name]));

async function describe(path: string, entry: Entry, reader: BlobReader): Promise<Json> {
  const hash = createSha256();
  const isRead = entry.type === entryTypes.file && entry.error === undefined;
  if (isRead) for await (const part of readContent(entry, reader)) hash.update(part);
  return toJson({
    path: encodeHex(Buffer.from(path, "latin1")),
    type: names.get(entry.type),
    mode: entry.mode.toString(8).padStart(4, "0"),
    owner: `${entry.uid}:${entry.gid}`,
    mtime: `${entry.mtimeSec}+${entry.mtimeNsec}`,
    size: entry.size,
    ...(isRead ? { sha256: hash.digest() } : {}),
    ...(entry.target === undefined ? {} : { target: encodeHex(Buffer.from(entry.target, "latin1")) }),
    ...(entry.rdevMajor === 0 ? {} : { device: `${entry.rdevMajor}:${entry.rdevMinor}` }),
    ...(entry.xattrs === undefined
      ? {}
      : { xattrs: entry.xattrs.map(([name, value]) => [encodeHex(Buffer.from(name, "latin1")), value]) }),
    ...(entry.flags === 0 ? {} : { flags: entry.flags }),
    ...(entry.nlink === 1 ? {} : { inode: `${entry.device}:${entry.inodeHi}:${entry.inodeLo}` }),
    ...(entry.changed ? { changed: true } : {}),
    ...(entry.error === undefined ? {} : { error: entry.error }),
  });
}
