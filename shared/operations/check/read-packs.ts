import { createSha256 } from "#shared/crypto/sha256.ts";
import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import {
  decodePackHeader,
  decodePackSessions,
  packHeaderBytes,
  packSessionsBytes,
  packTableRowBytes,
  packTrailerBytes,
  readPackTableRow,
  verifyPackTrailer,
} from "#shared/format/pack.ts";
import { idToBytes } from "#shared/format/ids.ts";
import { packKey } from "#shared/store/object-key.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { Repository } from "#shared/repository/repository.ts";
import type { KnownPack, SegmentPlace } from "#shared/repository/segment-table.ts";
import { WorkerPool } from "#shared/work/worker-pool.ts";
import type { CheckResult, CheckTask, CheckWorkerData, SegmentToCheck } from "./worker-messages.ts";

/** Sealed bytes of a request. */
const rangeBytes = 4 * 1024 * 1024;
/** Packs read at once. */
const packsAtOnce = 3;

/** Told what is found in packs. */
export type PackFindings = {
  /** An object is damaged; `ordinals` are the segments of it that are concerned. */
  damaged(pack: KnownPack, message: string, ordinals: readonly number[]): void;
  /** A pack was swept while it was read, and is none of the store any more. */
  swept(pack: KnownPack): void;
  /** An object could not be read. */
  unread(pack: KnownPack, error: HoldfastError): void;
  /** Segments were opened and every blob in them verified. */
  verified(blobs: number, plainBytes: number): void;
  fetched(bytes: number): void;
};

/**
 * Reads whole packs and proves them: the hash that names them, and with an owner's key each blob.
 *
 * Memory: a few ranges for each of `packsAtOnce` packs, and the tables at their ends.
 */
export async function readPacks(
  repository: Repository,
  packs: readonly KnownPack[],
  options: { readonly threads: number; readonly findings: PackFindings; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const reader = new PackReader(repository, options);
  try {
    const queue = [...packs];
    const next = async (): Promise<void> => {
      for (let pack = queue.shift(); pack !== undefined; pack = queue.shift()) await reader.read(pack);
    };
    await Promise.all(Array.from({ length: packsAtOnce }, next));
  } finally {
    await reader.close();
  }
}

class PackReader {
  readonly #repository: Repository;
  readonly #findings: PackFindings;
  readonly #threads: number;
  readonly #signal: AbortSignal | undefined;
  readonly #waiting = new Map<
    number,
    { worker: number; resolve: (result: CheckResult) => void; reject: (error: unknown) => void }
  >();
  #pool: WorkerPool<CheckTask, CheckResult> | undefined;
  #failure: unknown;
  #nextTaskId = 1;

  constructor(
    repository: Repository,
    options: { readonly threads: number; readonly findings: PackFindings; readonly signal: AbortSignal | undefined },
  ) {
    this.#repository = repository;
    this.#findings = options.findings;
    this.#threads = options.threads;
    this.#signal = options.signal;
  }

  async close(): Promise<void> {
    await this.#pool?.close();
  }

  /** Proves one pack, and tells the findings. */
  async read(pack: KnownPack): Promise<void> {
    try {
      await this.#readPack(pack);
    } catch (error) {
      if (!isHoldfastError(error, "corrupt", "unavailable", "absent")) throw error;
      if (error.kind === "absent") {
        await this.#repository.refresh();
        if (this.#repository.log.swept.has(pack.packId)) {
          this.#findings.swept(pack);
          return;
        }
      }
      if (error.kind === "unavailable") this.#findings.unread(pack, error);
      else this.#findings.damaged(pack, error.message, ordinalsOf(pack));
    }
  }

  async #readPack(pack: KnownPack): Promise<void> {
    const { segments } = this.#repository;
    const key = packKey(pack.packId);
    const subject = `pack ${pack.packId}`;
    const table = segments.tableOf(pack);
    const directoriesOffset = pack.segmentCount === 0 ? packHeaderBytes : readPackTableRow(table, 0).directoryOffset;
    // What is cut off or changed at the end of a pack takes nothing from the segments before it: they are proved all the same.
    const tail = await this.#readPart(pack, directoriesOffset, pack.sizeBytes - directoriesOffset, []);
    let isComplete = tail.byteLength > 0;
    const hash = createSha256();
    const pending: Promise<void>[] = [];
    let header: Uint8Array = new Uint8Array(0);
    for (let offset = 0; offset < directoriesOffset;) {
      this.#check();
      const places = this.#rangeFrom(pack, offset, directoriesOffset);
      const lengthBytes = places.end - offset;
      const ordinals = places.segments.map((place) => place.ordinal);
      const bytes = await this.#readPart(pack, offset, lengthBytes, ordinals);
      if (bytes.byteLength === 0) isComplete = false;
      else {
        hash.update(bytes);
        if (offset === 0) header = bytes.slice(0, packHeaderBytes);
        pending.push(this.#prove(pack, places.segments, { bytes, offset, tail, directoriesOffset }));
        if (pending.length > 1) await pending.shift();
      }
      offset = places.end;
    }
    await Promise.all(pending);
    if (!isComplete) return;
    hash.update(tail);
    if (!equalBytes(hash.digest(), idToBytes(pack.packId))) {
      this.#findings.damaged(pack, `Cannot trust ${key}: its bytes do not match its name`, []);
      return;
    }
    const tableAt = tail.byteLength - packTrailerBytes - table.byteLength;
    if (tableAt < 0 || !equalBytes(tail.subarray(tableAt, tableAt + table.byteLength), table)) {
      throw new HoldfastError("corrupt", `Cannot read ${key}: its table is another than its state says`);
    }
    decodePackHeader(header, subject);
    const sessions = tail.subarray(tableAt - packSessionsBytes(table), tableAt);
    verifyPackTrailer({ header, sessions, table, trailer: tail.subarray(tableAt + table.byteLength) }, subject);
  }

  /** Part of a pack; empty, and told as damage to the segments `ordinals`, when the pack does not reach so far. */
  async #readPart(
    pack: KnownPack,
    offsetBytes: number,
    lengthBytes: number,
    ordinals: readonly number[],
  ): Promise<Uint8Array<ArrayBuffer>> {
    try {
      const bytes = await this.#repository.store.get(packKey(pack.packId), { offsetBytes, lengthBytes });
      this.#findings.fetched(bytes.byteLength);
      return bytes;
    } catch (error) {
      if (!isHoldfastError(error, "corrupt")) throw error;
      this.#findings.damaged(pack, error.message, ordinals);
      return new Uint8Array(0);
    }
  }

  /** The segments of the next request, and where it ends. The first begins with the pack's header. */
  #rangeFrom(pack: KnownPack, offset: number, limit: number): { segments: SegmentPlace[]; end: number } {
    const { segments } = this.#repository;
    const places: SegmentPlace[] = [];
    let end = offset === 0 ? packHeaderBytes : offset;
    const table = segments.tableOf(pack);
    let row = 0;
    const rows = table.byteLength / packTableRowBytes;
    while (row < rows && readPackTableRow(table, row).segmentOffset < end) row++;
    while (row < rows && end < limit) {
      const place = segments.place(pack.firstSegment + row);
      if (places.length > 0 && end + place.sealedBytes - offset > rangeBytes) break;
      places.push(place);
      end = place.offsetBytes + place.sealedBytes;
      row++;
    }
    return { segments: places, end: places.length === 0 ? limit : end };
  }

  async #prove(
    pack: KnownPack,
    places: readonly SegmentPlace[],
    read: { bytes: Uint8Array<ArrayBuffer>; offset: number; tail: Uint8Array; directoriesOffset: number },
  ): Promise<void> {
    if (this.#repository.keys.hpke === undefined || places.length === 0) return;
    const { segments } = this.#repository;
    const table = segments.tableOf(pack);
    const toCheck: SegmentToCheck[] = [];
    for (const place of places) {
      const row = readPackTableRow(table, place.ordinal - pack.firstSegment);
      const from = row.directoryOffset - read.directoriesOffset;
      toCheck.push({
        ordinal: place.ordinal,
        at: place.offsetBytes - read.offset,
        sealedBytes: place.sealedBytes,
        segmentId: place.segmentId.slice(),
        sessionKey: await this.#sessionKey(pack, place, read.tail),
        sealedDirectory: read.tail.slice(from, from + row.directoryBytes),
      });
    }
    const result = await this.#post({ kind: pack.kind, bytes: read.bytes, segments: toCheck });
    this.#findings.verified(result.blobs, result.plainBytes);
    for (const { ordinal, message, what } of result.damaged) {
      const { offsetBytes } = segments.place(ordinal);
      if (what === "segment")
        this.#findings.damaged(pack, `The segment at byte ${offsetBytes} does not verify: ${message}`, [ordinal]);
      else
        this.#findings.damaged(
          pack,
          `The directory of the segment at byte ${offsetBytes} does not verify: ${message}`,
          [],
        );
    }
  }

  /**
   * The key of a segment's session. A compactor may have put segments of sessions into the pack whose states came after those that were read:
   * the pack itself tells of them.
   */
  async #sessionKey(pack: KnownPack, place: SegmentPlace, tail: Uint8Array): Promise<Uint8Array> {
    const { segments, sessionKeys } = this.#repository;
    try {
      return await sessionKeys.key(place.sessionId);
    } catch (error) {
      if (!isHoldfastError(error, "corrupt")) throw error;
      const table = segments.tableOf(pack);
      const end = tail.byteLength - packTrailerBytes - table.byteLength;
      const sessions = tail.slice(Math.max(0, end - packSessionsBytes(table)), Math.max(0, end));
      for (const each of decodePackSessions(sessions, table, `pack ${pack.packId}`)) sessionKeys.addEnvelope(each);
      return sessionKeys.key(place.sessionId);
    }
  }

  #post(task: Omit<CheckTask, "taskId">): Promise<CheckResult> {
    this.#check();
    const pool = this.#threadPool();
    const taskId = this.#nextTaskId++;
    const worker = pool.idlest;
    return new Promise((resolve, reject) => {
      this.#waiting.set(taskId, { worker, resolve, reject });
      const buffer = task.bytes.buffer;
      pool.post(worker, { ...task, taskId }, buffer instanceof ArrayBuffer ? [buffer] : []);
    });
  }

  #threadPool(): WorkerPool<CheckTask, CheckResult> {
    if (this.#pool !== undefined) return this.#pool;
    const workerData: CheckWorkerData = {
      storeId: this.#repository.storeIdBytes,
      idKey: this.#repository.requireKey("idKey"),
      indexKey: this.#repository.requireKey("indexKey"),
    };
    this.#pool = new WorkerPool({
      moduleUrl: new URL("./check-worker.ts", import.meta.url),
      threads: this.#threads,
      workerData: () => workerData,
      onMessage: (result: CheckResult) => {
        const waiting = this.#waiting.get(result.taskId);
        this.#waiting.delete(result.taskId);
        if (waiting === undefined) return;
        this.#pool?.done(waiting.worker);
        waiting.resolve(result);
      },
      onFailure: (error) => {
        this.#failure ??= error;
        for (const waiting of this.#waiting.values()) waiting.reject(error);
        this.#waiting.clear();
      },
    });
    return this.#pool;
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#signal?.aborted === true) throw new HoldfastError("interrupted", "The check was interrupted");
  }
}

function ordinalsOf(pack: KnownPack): number[] {
  return Array.from({ length: pack.segmentCount }, (_each, row) => pack.firstSegment + row);
}
