import { createHash } from "node:crypto";
import { alreadyThere, bodyDiffersFromSha256, noSuchObject, outsideObject } from "#shared/store/object-error.ts";
import type { ByteRange, ListedObject, ObjectStat } from "#shared/store/store.ts";

type StoredObject = {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: Uint8Array<ArrayBuffer>;
  readonly modifiedMs: number;
};

/** Told of what takes effect, at that very moment. */
export type ObjectWatcher = {
  created(key: string, bytes: Uint8Array): void;
  deleted(key: string): void;
};

/** What a simulated store holds. All is synchronous: a call takes effect at one moment. */
export class StoredObjects {
  readonly #objects = new Map<string, StoredObject>();
  readonly #away = new Map<string, StoredObject>();
  readonly #watcher: ObjectWatcher;
  readonly #tells: { readonly hashes: boolean; readonly times: boolean };
  readonly #nowMs: () => number;

  constructor(options: {
    readonly watcher: ObjectWatcher;
    /** What `stat` and `page` tell, besides sizes. */
    readonly tells: { readonly hashes: boolean; readonly times: boolean };
    readonly nowMs: () => number;
  }) {
    this.#watcher = options.watcher;
    this.#tells = options.tells;
    this.#nowMs = options.nowMs;
  }

  /** The keys that begin so, in order. */
  keys(prefix = ""): string[] {
    const keys: string[] = [];
    for (const key of this.#objects.keys()) if (key.startsWith(prefix)) keys.push(key);
    return keys.sort();
  }

  /** The bytes of an object, not to be changed; undefined where there is none. */
  peek(key: string): Uint8Array | undefined {
    return this.#objects.get(key)?.bytes;
  }

  /** Creates an object if there is none. */
  create(key: string, bytes: Uint8Array<ArrayBuffer>, promised: Uint8Array | undefined): void {
    if (this.#objects.has(key)) throw alreadyThere(key);
    const sha256 = Uint8Array.from(createHash("sha256").update(bytes).digest());
    if (promised !== undefined && Buffer.compare(sha256, promised) !== 0) throw bodyDiffersFromSha256(key);
    this.#objects.set(key, { bytes, sha256, modifiedMs: this.#nowMs() });
    this.#watcher.created(key, bytes);
  }

  /** A copy of an object or of part of it. */
  read(key: string, range: ByteRange | undefined): Uint8Array<ArrayBuffer> {
    const { bytes } = this.#existing(key);
    if (range === undefined) return bytes.slice();
    const end = range.offsetBytes + range.lengthBytes;
    if (end > bytes.byteLength) throw outsideObject(key, range, bytes.byteLength);
    return bytes.slice(range.offsetBytes, end);
  }

  /** What `Store.head` tells. */
  stat(key: string): ObjectStat {
    const { bytes, sha256 } = this.#existing(key);
    return this.#tells.hashes
      ? { sizeBytes: bytes.byteLength, sha256: sha256.slice() }
      : { sizeBytes: bytes.byteLength };
  }

  /** The first objects of a listing, at most so many. */
  page(prefix: string, after: string, objects: number): ListedObject[] {
    const keys = this.keys(prefix).filter((key) => key > after);
    return keys.slice(0, objects).map((key) => {
      const { bytes, modifiedMs } = this.#existing(key);
      return this.#tells.times
        ? { key, sizeBytes: bytes.byteLength, modifiedMs }
        : { key, sizeBytes: bytes.byteLength };
    });
  }

  /** Deletes an object, if there is one. */
  delete(key: string): void {
    if (this.#objects.delete(key)) this.#watcher.deleted(key);
  }

  /** Takes objects away, as a branch of a store that is not mounted, and tells nobody. What is deleted meanwhile is not deleted there. */
  unmount(keys: Iterable<string>): void {
    for (const key of keys) {
      this.#away.set(key, this.#existing(key));
      this.#objects.delete(key);
    }
  }

  /** Brings back what was taken away; what was created meanwhile stays. */
  mount(): void {
    for (const [key, object] of this.#away) if (!this.#objects.has(key)) this.#objects.set(key, object);
    this.#away.clear();
  }

  /** Loses an object, or lets one byte of it rot, and tells nobody. */
  spoil(key: string, how: "lost" | "rotten"): void {
    const object = this.#existing(key);
    if (how === "lost") {
      this.#objects.delete(key);
      return;
    }
    const bytes = object.bytes.slice();
    const at = bytes.byteLength >>> 1;
    bytes[at] = (bytes[at] ?? 0) ^ 0x40;
    this.#objects.set(key, { ...object, bytes });
  }

  #existing(key: string): StoredObject {
    const object = this.#objects.get(key);
    if (object === undefined) throw noSuchObject(key);
    return object;
  }
}
