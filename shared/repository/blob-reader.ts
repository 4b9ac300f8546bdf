import type { Mac } from "#shared/crypto/mac.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { packKey } from "#shared/store/object-key.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { collectYoungGarbage } from "#shared/work/collect-garbage.ts";
import type { BlobPlace } from "./blob-index.ts";
import type { PackFetcher } from "./pack-fetcher.ts";
import type { SegmentPlace, SegmentTable } from "./segment-table.ts";
import type { SessionKeys } from "./session-keys.ts";
import { ByteBoundedCache } from "./byte-bounded-cache.ts";
import { ByteGate } from "./byte-gate.ts";
import type { SegmentKeys } from "./segment-opener.ts";
import { OpenedSegments } from "./opened-segments.ts";
import { releaseBytes } from "./release-bytes.ts";
import { SegmentOpener } from "./segment-opener.ts";

/** Bytes fetched ahead of a segment that was asked for. */
const readAheadBytes = 2 * 1024 * 1024;
/** Of blobs of so many bytes is remembered that they were verified: to hash smaller ones again costs little. */
const rememberedBytesMin = 16 * 1024;

/** Sealed bytes of segments that are fetched and opened at once. */
const inFlightBytesMax = 16 * 1024 * 1024;
/** Bytes of chunks that are given out, and half of the bytes opened for that, before garbage is collected. */
const uncollectedBytesMax = 32 * 1024 * 1024;
/** Bytes of each cache, unless something else is said. */
const cacheBytes = 24 * 1024 * 1024;

/** What a reader reads from. */
export type BlobReaderParts = {
  readonly fetcher: PackFetcher;
  readonly storeId: Uint8Array;
  /** The places where copies of a blob are read now, the best first. */
  readonly copies: (ids: Uint8Array) => AsyncIterable<BlobPlace>;
  /** Whether a state tells of a blob that has no copy any more. */
  readonly knows: (ids: Uint8Array) => boolean;
  readonly segments: SegmentTable;
  readonly sessionKeys: SessionKeys;
  /** Names tree nodes and lists. */
  readonly nodeMac: Mac;
  /** Names chunks of content. */
  readonly chunkMac: Mac;
};

/** How much a reader holds, and what opens segments for it. */
export type BlobReaderOptions = {
  /** Bytes of opened segments of nodes, and again as many of such that were fetched ahead. */
  readonly nodeSegmentBytes?: number;
  /** Bytes of opened segments of chunks. */
  readonly chunkSegmentBytes?: number;
  /** Opens the segments of chunks, in other threads; what is left out is opened in this one. */
  readonly chunkOpener?: ChunkOpener;
};

/** What opens the segments of chunks. */
export type ChunkOpener = {
  /**
   * The plaintext of a segment, in memory that nothing else uses. Takes `sealed` away.
   *
   * @throws {HoldfastError} corrupt: it does not authenticate or decode
   */
  open(sealed: Uint8Array<ArrayBuffer>, keys: SegmentKeys): Promise<Uint8Array<ArrayBuffer>>;
};

/** Which bytes of a chunk are wanted: from `start` up to, not including, `end`. */
export type ChunkPart = {
  readonly start: number;
  readonly end: number;
  /** How long the chunk is. */
  readonly chunkBytes: number;
};

/**
 * Reads single blobs, each verified against its id: tree nodes, lists, and chunks where no bulk reader is at work.
 *
 * A blob is verified when it is first taken from an opened segment, and again only once that segment was opened anew.
 *
 * Memory: the caches of `BlobReaderOptions`, by default 24 MiB each; at most 16 MiB of sealed segments that are being opened, and what
 * these become.
 */
export class BlobReader {
  readonly #parts: BlobReaderParts;
  readonly #opener = new SegmentOpener();
  readonly #chunkOpener: ChunkOpener | undefined;
  readonly #chunkSegments: OpenedSegments;
  readonly #opened: ByteBoundedCache<number, Promise<Uint8Array>>;
  readonly #fetched: ByteBoundedCache<number, Promise<Uint8Array>>;
  #uncollectedBytes = 0;
  readonly #gate = new ByteGate(inFlightBytesMax);
  /** The blobs of opened segments that were verified, by where they begin. */
  readonly #verified = new WeakMap<Uint8Array, Map<number, VerifiedBlob>>();

  constructor(parts: BlobReaderParts, options: BlobReaderOptions = {}) {
    const { nodeSegmentBytes = cacheBytes, chunkSegmentBytes = cacheBytes, chunkOpener } = options;
    this.#parts = parts;
    this.#opened = new ByteBoundedCache(nodeSegmentBytes);
    this.#fetched = new ByteBoundedCache(nodeSegmentBytes);
    this.#chunkSegments = new OpenedSegments(chunkSegmentBytes);
    this.#chunkOpener = chunkOpener;
  }

  /** The bytes of a tree node or list: a view that stays valid. Throws as `readChunk`. */
  readNode(id: Uint8Array): Promise<Uint8Array> {
    const { nodeMac } = this.#parts;
    return this.#read(id, "tree node", async (place) => {
      const plain = await this.#findSegment(place.segment, (ordinal) => this.#segment(ordinal));
      return this.#verifiedBlob(plain, { place, id, mac: nodeMac, what: "tree node" });
    });
  }

  /**
   * The bytes of a chunk, or a part of them, in memory of their own. All of the chunk is verified, whatever the part.
   *
   * @throws {HoldfastError} corrupt: no state tells of it or its pack was swept (`detail.isGone`); its segment does not open, or it is not
   *   what its id says, or
   *   not as long as `part` says
   * @throws {HoldfastError} denied: only an owner may read it
   */
  readChunk(id: Uint8Array, part?: ChunkPart): Promise<Uint8Array> {
    const { chunkMac } = this.#parts;
    return this.#read(id, "chunk", (place) =>
      this.#findSegment(place.segment, (ordinal) => {
        const segment = this.#parts.segments.place(ordinal);
        return this.#chunkSegments.use(ordinal, {
          guessBytes: segment.sealedBytes,
          open: () => this.#gate.run(segment.sealedBytes, () => this.#openChunks(segment)),
          take: (plain) =>
            this.#given(partOf(this.#verifiedBlob(plain, { place, id, mac: chunkMac, what: "chunk" }), part)),
        });
      }),
    );
  }

  /** A part of a chunk to give out, on the account of `#collectAfter`. */
  #given(part: Uint8Array): Uint8Array {
    this.#collectAfter(part.byteLength);
    return part;
  }

  /**
   * Has what was given out and let go, and what it took to open segments, collected while it is young, every few bytes: later that
   * takes a run over all of the heap, and lies about in memory until then.
   */
  #collectAfter(bytes: number): void {
    this.#uncollectedBytes += bytes;
    if (this.#uncollectedBytes < uncollectedBytesMax) return;
    this.#uncollectedBytes = 0;
    collectYoungGarbage();
  }

  async #read(id: Uint8Array, what: string, readAt: (place: BlobPlace) => Promise<Uint8Array>): Promise<Uint8Array> {
    const { copies, knows } = this.#parts;
    let damage: HoldfastError | undefined;
    for await (const place of copies(id)) {
      try {
        return await readAt(place);
      } catch (error) {
        // Another copy may be whole.
        if (!isHoldfastError(error, "corrupt")) throw error;
        damage ??= error;
      }
    }
    if (damage !== undefined) throw damage;
    const reason = knows(id) ? "the pack that it was in was swept" : "no state tells of it";
    const name = encodeHex(id.subarray(0, 32));
    throw new HoldfastError("corrupt", `Cannot find ${what} ${name}: ${reason}`, { detail: { isGone: true } });
  }

  /** The bytes of a blob in its segment's plaintext: a view. */
  #verifiedBlob(
    plain: Uint8Array,
    { place, id, mac, what }: { place: BlobPlace; id: Uint8Array; mac: Mac; what: string },
  ): Uint8Array {
    const blob = blobOf(plain, place);
    const known = this.#verified.get(plain)?.get(place.offsetBytes);
    const isVerified =
      known !== undefined &&
      known.mac === mac &&
      known.lengthBytes === place.lengthBytes &&
      equalBytes(known.id, id.subarray(0, 32));
    if (isVerified) return blob;
    if (!equalBytes(mac.digest(blob), id.byteLength === 32 ? id : id.subarray(0, 32))) {
      throw new HoldfastError(
        "corrupt",
        `Cannot read ${what} ${encodeHex(id.subarray(0, 32))}: its bytes do not match its name`,
        {
          detail: { pack: this.#parts.segments.packOf(place.segment).packId },
        },
      );
    }
    if (place.lengthBytes >= rememberedBytesMin) this.#remember(plain, place, id, mac);
    return blob;
  }

  #remember(plain: Uint8Array, { offsetBytes, lengthBytes }: BlobPlace, id: Uint8Array, mac: Mac): void {
    const verified = this.#verified.get(plain) ?? new Map<number, VerifiedBlob>();
    verified.set(offsetBytes, { id: id.slice(0, 32), lengthBytes, mac });
    this.#verified.set(plain, verified);
  }

  /** What is read of a segment, wherever it is moved to meanwhile. */
  async #findSegment<Result>(first: number, read: (ordinal: number) => Promise<Result>): Promise<Result> {
    const { segments, fetcher } = this.#parts;
    for (;;) {
      const ordinal = segments.current(first);
      try {
        return await read(ordinal);
      } catch (error) {
        await fetcher.tryElsewhere(ordinal, error);
      }
    }
  }

  #segment(ordinal: number): Promise<Uint8Array> {
    const cached = this.#opened.get(ordinal);
    if (cached !== undefined) return cached;
    const place = this.#parts.segments.place(ordinal);
    const opened = this.#gate.run(place.sealedBytes, () => this.#open(place));
    this.#opened.add(ordinal, opened, place.sealedBytes * 4); // a guess, until it is there
    opened.then(
      (plain) => {
        this.#fetched.drop(ordinal);
        if (this.#opened.has(ordinal, opened)) this.#opened.add(ordinal, opened, plain.byteLength);
      },
      // A failure is not kept, so that a store that answers again is asked again.
      () => this.#opened.drop(ordinal),
    );
    return opened;
  }

  async #open(place: SegmentPlace): Promise<Uint8Array> {
    const sealed = await this.#sealed(place);
    return this.#opening(place, async (keys) => this.#opener.openOwned(sealed, keys));
  }

  /** Opens a segment of chunks. Nothing else has a view of what was fetched, or of what comes of it. */
  async #openChunks(place: SegmentPlace): Promise<Uint8Array<ArrayBuffer>> {
    const sealed = await this.#parts.fetcher.fetch(place, place.sealedBytes);
    this.#collectAfter(sealed.byteLength / 2);
    return this.#opening(place, async (keys) => {
      if (this.#chunkOpener !== undefined) return this.#chunkOpener.open(sealed, keys);
      try {
        return this.#opener.openOwned(sealed, keys);
      } finally {
        releaseBytes(sealed);
      }
    });
  }

  async #opening<Opened>(place: SegmentPlace, open: (keys: SegmentKeys) => Promise<Opened>): Promise<Opened> {
    const sessionKey = await this.#parts.sessionKeys.key(place.sessionId);
    try {
      return await open({
        storeId: this.#parts.storeId,
        kind: place.pack.kind,
        segmentId: place.segmentId,
        sessionKey,
      });
    } catch (cause) {
      if (!isHoldfastError(cause, "corrupt")) throw cause;
      throw damagedSegment(place, cause);
    }
  }

  #sealed(place: SegmentPlace): Promise<Uint8Array> {
    const cached = this.#fetched.get(place.ordinal);
    if (cached !== undefined) return cached;
    const { pack } = place;
    const ahead = [place];
    let lengthBytes = place.sealedBytes;
    const last = pack.firstSegment + pack.segmentCount;
    for (let ordinal = place.ordinal + 1; pack.kind === "meta" && ordinal < last; ordinal++) {
      const next = this.#parts.segments.place(ordinal);
      if (lengthBytes + next.sealedBytes > readAheadBytes || this.#fetched.get(ordinal) !== undefined) break;
      ahead.push(next);
      lengthBytes += next.sealedBytes;
    }
    const range = this.#parts.fetcher.fetch(place, lengthBytes);
    for (const each of ahead) {
      const from = each.offsetBytes - place.offsetBytes;
      const sealed = range.then((bytes) => bytes.subarray(from, from + each.sealedBytes));
      this.#fetched.add(each.ordinal, sealed, each.sealedBytes);
      sealed.catch(() => this.#fetched.drop(each.ordinal));
    }
    return this.#fetched.get(place.ordinal) ?? range.then((bytes) => bytes.subarray(0, place.sealedBytes));
  }
}

/** A blob that was verified: what it was verified to be, and by which MAC. */
type VerifiedBlob = { readonly id: Uint8Array; readonly lengthBytes: number; readonly mac: Mac };

/** The bytes of a blob in its segment's plaintext. @throws {HoldfastError} corrupt: the index points outside it */
export function blobOf(plain: Uint8Array, place: BlobPlace): Uint8Array {
  const end = place.offsetBytes + place.lengthBytes;
  if (end > plain.byteLength)
    throw new HoldfastError("corrupt", "Cannot read a blob: the index points beyond the end of its segment");
  return plain.subarray(place.offsetBytes, end);
}

/** A copy of the wanted part of a chunk. @throws {HoldfastError} corrupt: it has another length */
function partOf(chunk: Uint8Array, part: ChunkPart | undefined): Uint8Array {
  if (part !== undefined && part.chunkBytes !== chunk.byteLength) {
    throw new HoldfastError("corrupt", "Cannot read a chunk: it has another length than the tree says");
  }
  const wanted = part === undefined ? chunk : chunk.subarray(part.start, part.end);
  const copy = new Uint8Array(Buffer.allocUnsafeSlow(wanted.byteLength).buffer);
  copy.set(wanted);
  return copy;
}

/** The error of a segment that does not open, naming the object. */
export function damagedSegment(place: SegmentPlace, cause: unknown): HoldfastError {
  return new HoldfastError(
    "corrupt",
    `Cannot read ${packKey(place.pack.packId)}: the segment at byte ${place.offsetBytes} does not verify`,
    {
      cause,
      detail: { pack: place.pack.packId, offsetBytes: place.offsetBytes },
      hint: "Run `holdfast repair --read` to see all that is damaged and what would mend it.",
    },
  );
}
