import type { Mac } from "#shared/crypto/mac.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { packKey } from "#shared/store/object-key.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { BlobPlace } from "./blob-index.ts";
import type { PackFetcher } from "./pack-fetcher.ts";
import type { SegmentPlace, SegmentTable } from "./segment-table.ts";
import type { SessionKeys } from "./session-keys.ts";
import { openSegment } from "./open-segment.ts";
import { ByteBoundedCache } from "./byte-bounded-cache.ts";
import { ByteGate } from "./byte-gate.ts";

/** Bytes fetched ahead of a segment that was asked for. */
const readAheadBytes = 2 * 1024 * 1024;
/** Of blobs of so many bytes is remembered that they were verified: to hash smaller ones again costs little. */
const rememberedBytesMin = 16 * 1024;

/** Sealed bytes of segments that are fetched and opened at once. */
const inFlightBytesMax = 16 * 1024 * 1024;

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

/**
 * Reads single blobs, each verified against its id: tree nodes, lists, and chunks where no bulk reader is at work.
 *
 * A blob is verified when it is first taken from an opened segment, and again only once that segment was opened anew.
 *
 * Memory: a cache of opened segments, and one of segments fetched ahead, each of `cacheBytes`; and what is being opened.
 */
export class BlobReader {
  readonly #parts: BlobReaderParts;
  readonly #opened: ByteBoundedCache<number, Promise<Uint8Array>>;
  readonly #fetched: ByteBoundedCache<number, Promise<Uint8Array>>;
  readonly #gate = new ByteGate(inFlightBytesMax);
  /** The blobs of opened segments that were verified, by where they begin. */
  readonly #verified = new WeakMap<Uint8Array, Map<number, VerifiedBlob>>();

  constructor(parts: BlobReaderParts, cacheBytes = 24 * 1024 * 1024) {
    this.#parts = parts;
    this.#opened = new ByteBoundedCache(cacheBytes);
    this.#fetched = new ByteBoundedCache(cacheBytes);
  }

  /** The bytes of a tree node or list: a view that stays valid. Throws as `readChunk`. */
  readNode(id: Uint8Array): Promise<Uint8Array> {
    return this.#read(id, this.#parts.nodeMac, "tree node");
  }

  /**
   * The bytes of a chunk: a view that stays valid.
   *
   * @throws {HoldfastError} corrupt: no state tells of it or its pack was swept (`detail.isGone`); its segment does not open, or it is not
   *   what its id says
   * @throws {HoldfastError} denied: only an owner may read it
   */
  readChunk(id: Uint8Array): Promise<Uint8Array> {
    return this.#read(id, this.#parts.chunkMac, "chunk");
  }

  async #read(id: Uint8Array, mac: Mac, what: string): Promise<Uint8Array> {
    const { copies, knows } = this.#parts;
    let damage: HoldfastError | undefined;
    for await (const place of copies(id)) {
      try {
        return await this.#readAt(place, id, mac, what);
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

  async #readAt(place: BlobPlace, id: Uint8Array, mac: Mac, what: string): Promise<Uint8Array> {
    const plain = await this.#findSegment(place.segment);
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

  /** The plaintext of a segment, wherever it is moved to meanwhile. */
  async #findSegment(first: number): Promise<Uint8Array> {
    const { segments, fetcher } = this.#parts;
    for (;;) {
      const ordinal = segments.current(first);
      try {
        return await this.#segment(ordinal);
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
    const sessionKey = await this.#parts.sessionKeys.key(place.sessionId);
    try {
      return openSegment(sealed, {
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
