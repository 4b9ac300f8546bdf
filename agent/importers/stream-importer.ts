import { setTimeout as sleep } from "node:timers/promises";
import { OwnerNames } from "#agent/filesystem/owner-names.ts";
import type { Importer, RecordDetails, ScanRecord } from "#shared/connectors/importer.ts";
import { HoldfastError } from "#shared/errors.ts";
import { entryTypes } from "#shared/format/entry.ts";
import { newRecord } from "./scan-tree.ts";
import { createStreamRing, type StreamRing, StreamRingWriter } from "./stream-ring.ts";

/** Something that gives bytes, once, until it ends. */
export type StreamInput = {
  /** What it is, for messages. */
  readonly description: string;
  /** Begins to give. @throws {HoldfastError} it cannot */
  open(): AsyncIterable<Uint8Array>;
  /** Resolves when the bytes that came are all there are. @throws {HoldfastError} they are not: the backup must fail */
  finish(sizeBytes: number): Promise<void>;
  /** Stops it, and waits until it has ended. */
  stop(): Promise<void>;
};

/** Bytes that are taken of the stream before whoever scans looks at how the backup goes. */
const stepBytes = 8 * 1024 * 1024;
/** Milliseconds after which it looks in any case. */
const stepMs = 200;
/** Stands for the size of the file until the stream has ended: a backup thread is to begin at once. */
const unknownSize = 2 ** 50;

/**
 * A stream as a source that is one file. Its content goes through shared memory to the backup thread that cuts it into chunks.
 *
 * Memory: the ring, and what the stream holds itself.
 */
export class StreamImporter implements Importer {
  readonly type = "filesystem";
  readonly origin: string;
  readonly root: string;
  readonly options: ReadonlyMap<string, string>;
  readonly lost: readonly string[] = [];
  readonly content: { readonly moduleUrl: string; readonly options: StreamRing };
  readonly #input: StreamInput;
  readonly #ring: StreamRingWriter;
  readonly #names = new OwnerNames();
  readonly #owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  #isTaken = false;
  /** Bytes that may be taken before the next step. */
  #allowedBytes = 0;
  #allow = Promise.withResolvers<void>();
  #used = Promise.withResolvers<void>();

  /**
   * @param root - absolute path by which the snapshot shows the file, as a binary string
   * @param host - as of `FilesystemImporter`
   */
  constructor(options: { readonly root: string; readonly host: string; readonly input: StreamInput }) {
    this.root = options.root;
    this.origin = options.host;
    this.#input = options.input;
    this.options = new Map([["stream", options.input.description]]);
    const ring = createStreamRing();
    this.#ring = new StreamRingWriter(ring);
    this.content = { moduleUrl: new URL("./stream-content-reader.ts", import.meta.url).href, options: ring };
  }

  /**
   * Yields the file, and then empty batches while its content comes.
   *
   * @throws {HoldfastError} the stream failed; conflict: it was read before, and cannot be read again
   */
  async *scan(): AsyncGenerator<Iterable<ScanRecord>> {
    if (this.#isTaken) {
      throw new HoldfastError(
        "conflict",
        `Cannot read ${this.#input.description} a second time: no snapshot was made`,
        {
          hint: "Maintenance deleted something meanwhile that the snapshot needs. Run the same backup again.",
        },
      );
    }
    this.#isTaken = true;
    const isMoved = this.#move().then(() => true);
    isMoved.catch(() => undefined); // whoever waits for it below is told
    yield [this.#record()];
    for (let isOver = false; !isOver;) {
      this.#allowedBytes = stepBytes;
      this.#allow.resolve();
      isOver = await Promise.race([isMoved, this.#used.promise.then(() => false), sleep(stepMs, false)]);
      yield [];
    }
  }

  /** Moves the stream to the backup thread. The thread is told of the end once it is known to be a good one. */
  async #move(): Promise<void> {
    let sizeBytes = 0;
    for await (const bytes of this.#input.open()) {
      await this.#ring.write(bytes);
      sizeBytes += bytes.byteLength;
      this.#allowedBytes -= bytes.byteLength;
      if (this.#allowedBytes > 0) continue;
      this.#allow = Promise.withResolvers();
      const used = this.#used;
      this.#used = Promise.withResolvers();
      used.resolve();
      await this.#allow.promise;
    }
    await this.#input.finish(sizeBytes);
    this.#ring.end();
  }

  #record(): ScanRecord {
    const record = newRecord();
    const nowMs = Date.now();
    record.path = this.root;
    record.mode = 0o600;
    record.uid = this.#owner.uid;
    record.gid = this.#owner.gid;
    record.nlink = 1;
    record.type = entryTypes.file;
    record.size = unknownSize;
    record.mtimeSec = record.ctimeSec = Math.floor(nowMs / 1000);
    record.mtimeNsec = record.ctimeNsec = (nowMs % 1000) * 1_000_000;
    return record;
  }

  describe(): RecordDetails {
    return { target: undefined, xattrs: undefined, flags: 0, problems: [] };
  }

  userNames(): ReadonlyMap<string, string> {
    return named(this.#owner.uid, this.#names.userName(this.#owner.uid));
  }

  groupNames(): ReadonlyMap<string, string> {
    return named(this.#owner.gid, this.#names.groupName(this.#owner.gid));
  }

  async close(): Promise<void> {
    this.#ring.giveUp();
    if (this.#isTaken) await this.#input.stop();
  }
}

function named(number: number, name: string | undefined): ReadonlyMap<string, string> {
  return new Map(name === undefined ? [] : [[String(number), name]]);
}
