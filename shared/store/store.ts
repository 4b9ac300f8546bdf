/**
 * The port `Store`: a place that keeps named, immutable, opaque objects. It never decodes what it moves.
 *
 * Contract, for every adapter and every wrapper (proved by `store.conformance.ts`):
 * - Names are relative object keys as in `object-key.ts`: ASCII, `/`-separated, no empty, `.` or `..` parts. No key is a folder of
 *   another key.
 * - An object appears whole or not at all, and never changes once it is there.
 * - After `put` resolves the object is durable, and every later `get`, `head` and `list` of any client sees it.
 * - Methods may run concurrently and in any number; limits are the business of wrappers.
 * - Errors are HoldfastErrors: `absent` (no such object, or for reads and `list` no such store), `conflict` (already there, and
 *   as durable as if the caller had put it), `unavailable` (worth a retry; a `put` that ends so may still have taken effect),
 *   `denied`, `invalid` (bad key or range), `corrupt` (the store itself noticed damage, a body that does not match its SHA-256,
 *   or a range outside of the object), `incompatible` (the store lacks a needed feature).
 */
export interface Store {
  /** What the store is, for people: a path or URI without credentials. */
  readonly description: string;

  /**
   * Creates an object if there is none by that name. Of any number of racing creators exactly one succeeds.
   *
   * @param key - the object's key
   * @param body - the whole content, as parts to be concatenated; the parts are not changed or kept after the promise settles
   * @throws {HoldfastError} conflict: an object by that name is already there; it is unchanged
   * @throws {HoldfastError} unavailable: no answer; the object may or may not be there now
   */
  put(key: string, body: readonly Uint8Array[], options?: PutOptions): Promise<void>;

  /**
   * Reads an object, or `range` of it.
   *
   * @returns exactly the bytes asked for, in a buffer owned by the caller (its ArrayBuffer may be transferred)
   * @throws {HoldfastError} absent: no such object
   * @throws {HoldfastError} corrupt: the range does not lie inside the object
   */
  get(key: string, range?: ByteRange): Promise<Uint8Array<ArrayBuffer>>;

  /** The size of an object and, where the store keeps one, the SHA-256 of its bytes. @throws {HoldfastError} absent */
  head(key: string): Promise<ObjectStat>;

  /**
   * Lists the objects whose key starts with `prefix`, in ascending byte order of keys, those greater than `after` only.
   *
   * Every object that was there when the call began and is not deleted meanwhile is listed once. A page that fails is
   * an error of the iteration, never a silent end.
   */
  list(prefix: string, options?: { readonly after?: string }): AsyncIterable<ListedObject>;

  /** Deletes an object. Deleting what is not there succeeds. */
  delete(key: string): Promise<void>;

  /**
   * What the clock shows by which listings tell `modifiedMs`, milliseconds since 1970 UTC, to two seconds. One or two requests; nothing is left behind.
   * A store without a clock of its own has no such method.
   *
   * @returns undefined: it cannot be told, such as in a place that may only be read
   * @throws {HoldfastError} unavailable
   */
  readonly clockMs?: () => Promise<number | undefined>;

  /** Ends connections. The store is not used afterwards. */
  close(): Promise<void>;
}

/** Options of `Store.put`. */
export type PutOptions = {
  /** SHA-256 of the whole body, 32 bytes, when the caller has it; the store must refuse a body that arrives different if it can. */
  readonly sha256?: Uint8Array;
  /** The put may use what the store keeps back of a disk that is full. For what leads to space being freed, and nothing else. */
  readonly mayUseReserve?: boolean;
};

/** A part of an object: `lengthBytes` > 0 bytes from `offsetBytes`. */
export type ByteRange = { readonly offsetBytes: number; readonly lengthBytes: number };

/** What `Store.head` tells. */
export type ObjectStat = { readonly sizeBytes: number; readonly sha256?: Uint8Array };

/** What `Store.list` tells of one object. `modifiedMs` is the store's own clock, where it has one. */
export type ListedObject = { readonly key: string; readonly sizeBytes: number; readonly modifiedMs?: number };
