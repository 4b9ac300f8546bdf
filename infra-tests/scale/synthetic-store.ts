import { mkdirSync } from "node:fs";
import { sha256 } from "#shared/crypto/sha256.ts";
import { createSigner, type Signer } from "#shared/crypto/signing.ts";
import { HoldfastError } from "#shared/errors.ts";
import { idFromBytes, type PackId, parseId, type StateId } from "#shared/format/ids.ts";
import { encodeLogEntry, type LogEvent } from "#shared/format/log-entry.ts";
import { encodePackTable, packSessionRowBytes, packTableRowBytes, packTrailerBytes } from "#shared/format/pack.ts";
import { encodeStateHead, type PackReference, type StatePack, stateIdOf } from "#shared/format/state.ts";
import { directoryStore } from "#shared/store/directory-store.ts";
import { logKey, packKey, packsPrefix, stateKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";

/** The shape of a synthetic store. Each snapshot adds `packs / snapshots` packs; those of one host reference what came before. */
export type SyntheticShape = {
  readonly packs: number;
  readonly snapshots: number;
  readonly hosts: number;
  readonly segmentsOfPack: number;
  /** Share of the snapshots, the oldest of each host, that are removed; 0 to 1. */
  readonly removed: number;
};

/** The store of all of these. */
export const syntheticStoreId = parseId("store", "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e");
/** When its first entry was written. */
export const syntheticBeginMs = 1_700_000_000_000;
const segmentBytes = 1024 * 1024;
const directoryBytes = 512;
const headerBytes = 48;
const signer: Signer = createSigner(new Uint8Array(32).fill(3));

/** The id of pack `number`: ids ascend with numbers, so that a listing needs no memory. */
export function syntheticPackId(number: number, packs: number): PackId {
  const bytes = sha256(Buffer.from(`pack ${number}`)).slice();
  new DataView(bytes.buffer).setUint32(0, Math.floor((number * 2 ** 32) / packs));
  return idFromBytes("pack", bytes);
}

/**
 * Writes states and log of a store of that shape into a directory; its packs exist in the listings of `openSynthetic` only.
 *
 * @param say - told of the progress
 */
export async function makeSynthetic(
  directory: string,
  shape: SyntheticShape,
  say: (line: string) => void,
): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const store = directoryStore(directory, { durability: "unsynced" });
  const { table, sizeBytes } = syntheticTable(shape.segmentsOfPack);
  const perHost = Math.ceil(shape.snapshots / shape.hosts);
  const removed: StateId[] = [];
  let prev: Uint8Array = new Uint8Array(32);
  let seq = 0;
  const append = async (events: readonly LogEvent[]): Promise<void> => {
    seq++;
    const commitId = idFromBytes("commit", sha256(Buffer.from(`entry ${seq}`)).subarray(0, 16));
    const timeMs = syntheticBeginMs + seq * 60_000;
    const bytes = encodeLogEntry(
      { storeId: syntheticStoreId, seq, prev, timeMs, commitId, author: signer.publicKey, events },
      (message) => signer.sign(message),
    );
    await store.put(logKey(seq), [bytes]);
    prev = sha256(bytes);
  };
  for (let snapshot = 0; snapshot < shape.snapshots; snapshot++) {
    const added: StatePack[] = [];
    for (let number = snapshot; number < shape.packs; number += shape.snapshots)
      added.push({ packId: syntheticPackId(number, shape.packs), kind: "data", sizeBytes, table });
    const commitId = idFromBytes("commit", sha256(Buffer.from(`snapshot ${snapshot}`)).subarray(0, 16));
    const section = new Uint8Array(100).fill(snapshot);
    const headBytes = encodeStateHead(
      {
        storeId: syntheticStoreId,
        commitId,
        author: signer.publicKey,
        createdMs: syntheticBeginMs,
        baseSeq: seq,
        group: new Uint8Array(16),
        packs: added,
        references: [...referencesOf(snapshot, shape)],
        sessions: [{ sessionId: new Uint8Array(16), envelope: new Uint8Array(80) }],
        snapshotSession: new Uint8Array(16),
        sealedSnapshot: new Uint8Array(400),
        indexBytes: section.byteLength,
        indexSha256: sha256(section),
      },
      (message) => signer.sign(message),
    );
    const stateId = stateIdOf(headBytes);
    const stateBytes = headBytes.byteLength + section.byteLength;
    await store.put(stateKey(stateId), [headBytes, section]);
    await append([{ type: "commit", stateId, commitId, headBytes: headBytes.byteLength, stateBytes, revive: [] }]);
    if (Math.floor(snapshot / shape.hosts) < perHost * shape.removed) removed.push(stateId);
    if (snapshot % 100 === 99) say(`${snapshot + 1} snapshots`);
  }
  await append([{ type: "remove", snapshots: removed }]);
}

/**
 * What a snapshot references: its own packs whole, and of those of earlier snapshots of its host a share that shrinks with their age,
 * and of each pack some segments.
 */
function* referencesOf(snapshot: number, shape: SyntheticShape): Generator<PackReference, void, undefined> {
  const { packs, snapshots, hosts, segmentsOfPack } = shape;
  for (let other = snapshot % hosts; other <= snapshot; other += hosts) {
    const age = (snapshot - other) / hosts;
    for (let number = other; number < packs; number += snapshots) {
      const life = 1 + ((Math.imul(number, 0x9e3779b1) >>> 8) % 10);
      if (age >= life) continue;
      const bits = new Uint8Array(Math.ceil(segmentsOfPack / 8)).fill(255);
      if (age > 0) for (const at of bits.keys()) bits[at] = (Math.imul(number + at, 0x85ebca6b) >>> 16) | 1;
      yield { packId: syntheticPackId(number, packs), segments: bits };
    }
  }
}

function syntheticTable(segments: number): { readonly table: Uint8Array; readonly sizeBytes: number } {
  const rows = Array.from({ length: segments }, (_, row) => ({
    segmentId: new Uint8Array(24).fill(row),
    sessionId: new Uint8Array(16).fill(1),
    segmentOffset: headerBytes + row * segmentBytes,
    segmentBytes,
    directoryOffset: headerBytes + segments * segmentBytes + row * directoryBytes,
    directoryBytes,
  }));
  const sizeBytes =
    headerBytes +
    segments * (segmentBytes + directoryBytes + packTableRowBytes) +
    packSessionRowBytes +
    packTrailerBytes;
  return { table: encodePackTable(rows), sizeBytes };
}

/** The store that `makeSynthetic` made: its packs are listed and can be deleted, which lasts as long as this process. */
export function openSynthetic(directory: string, shape: SyntheticShape): Store & { readonly deletedPacks: number } {
  const inner = directoryStore(directory, { durability: "unsynced" });
  const { sizeBytes } = syntheticTable(shape.segmentsOfPack);
  const gone = new Uint8Array(shape.packs);
  let deletedPacks = 0;
  return {
    description: `synthetic store in ${directory}`,
    get deletedPacks() {
      return deletedPacks;
    },
    put: (key, body, options) => inner.put(key, body, options),
    get: async (key, range) => (key.startsWith(packsPrefix) ? noSuch(key) : inner.get(key, range)),
    head: async (key) => (key.startsWith(packsPrefix) ? { sizeBytes } : inner.head(key)),
    async *list(prefix, options) {
      if (!prefix.startsWith(packsPrefix)) {
        yield* inner.list(prefix, options);
        return;
      }
      // All of them, or those of one folder: `packs/` or `packs/<xx>/`.
      const folder = Number.parseInt(prefix.slice(packsPrefix.length), 16);
      const from = Number.isNaN(folder) ? 0 : Math.floor((folder * shape.packs) / 256);
      const to = Number.isNaN(folder)
        ? shape.packs
        : Math.min(shape.packs, Math.ceil(((folder + 1) * shape.packs) / 256));
      for (let number = from; number < to; number++) {
        if (!packKey(syntheticPackId(number, shape.packs)).startsWith(prefix)) continue;
        if (gone[number] === 1) continue;
        if (number % 1000 === 0) await new Promise((resolve) => setImmediate(resolve)); // as pages come
        yield { key: packKey(syntheticPackId(number, shape.packs)), sizeBytes, modifiedMs: syntheticBeginMs };
      }
    },
    async delete(key) {
      if (!key.startsWith(packsPrefix)) return inner.delete(key);
      const place = Number.parseInt(key.slice(packsPrefix.length + 3, packsPrefix.length + 11), 16);
      const number = Math.ceil((place * shape.packs) / 2 ** 32);
      if (packKey(syntheticPackId(number, shape.packs)) !== key) noSuch(key);
      gone[number] = 1;
      deletedPacks++;
    },
    close: () => inner.close(),
  };
}

function noSuch(key: string): never {
  throw new HoldfastError("absent", `Cannot read ${key}: it has no content here`);
}
