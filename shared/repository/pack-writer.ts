import { packKey } from "#shared/store/object-key.ts";
import { putNamedByContent } from "#shared/store/put-named-by-content.ts";
import type { Store } from "#shared/store/store.ts";
import type { StatePack } from "#shared/format/state.ts";
import type { PackKind } from "#shared/format/segment.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { Random } from "#shared/random.ts";
import { type AssembledPack, PackAssembler } from "./pack-assembler.ts";
import { releaseBytes } from "./release-bytes.ts";
import type { SealedSegment } from "./segment-builder.ts";

/** A pack that is stored, and which segments of the session are in it. */
export type WrittenPack = StatePack & { readonly ordinals: readonly number[] };

/** What a writer of packs needs. */
export type PackWriterOptions = {
  readonly store: Store;
  readonly storeId: Uint8Array;
  readonly sessionId: Uint8Array;
  /** The session key, sealed to the store. */
  readonly envelope: Uint8Array;
  readonly random: Random;
  /** Sealed bytes from which a pack is closed. */
  readonly packBytes: number;
  /** Packs being stored at once, at most. */
  readonly uploads: number;
  /** Told of each pack before it goes to the store: from then on it may be there, also when nobody lives to see it. */
  readonly onStoring: (pack: WrittenPack) => void | Promise<void>;
  /** Told when the storing of a pack has ended. @param failure - what storing this pack, or one before it, threw */
  readonly onSettled?: (failure: unknown) => void;
};

/**
 * Collects sealed segments to packs and stores them, some at once. The sealed bytes are its own: they are gone once they are stored.
 *
 * Memory: one open pack of each kind and `uploads` packs on their way; `backlogBytes` tells, and who adds should wait on
 * `room` while it is above its limit.
 */
export class PackWriter {
  readonly #options: PackWriterOptions;
  readonly #open = new Map<PackKind, PackAssembler>();
  readonly #waiting: AssembledPack[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly packs: WrittenPack[] = [];
  #storedBytes = 0;
  #failure: unknown;

  constructor(options: PackWriterOptions) {
    this.#options = options;
  }

  /** Bytes of packs that are stored. */
  get storedBytes(): number {
    return this.#storedBytes;
  }

  /** Whether no segment was added yet. */
  get empty(): boolean {
    return this.#open.size + this.backlog + this.packs.length === 0;
  }

  /** Packs that are closed and not yet stored. */
  get backlog(): number {
    return this.#waiting.length + this.#running.size;
  }

  /** Whether as many packs are on their way as may be. */
  get busy(): boolean {
    return this.backlog >= this.#options.uploads;
  }

  /** Whether a pack is being stored, which `onSettled` will tell of. */
  get isStoring(): boolean {
    return this.#running.size > 0;
  }

  /** Adds a segment to the open pack of a kind. @throws what storing an earlier pack threw */
  add(kind: PackKind, segment: SealedSegment): void {
    this.#throwFailure();
    let assembler = this.#open.get(kind);
    if (assembler === undefined) {
      const { storeId, sessionId, envelope, random } = this.#options;
      assembler = new PackAssembler({ kind, storeId, sessionId, envelope, random });
      this.#open.set(kind, assembler);
    }
    assembler.add(segment);
    if (assembler.sizeBytes >= this.#options.packBytes) this.#close(kind);
  }

  /** Resolves when a pack has been stored, or at once when none is on its way. @throws what storing threw */
  async room(): Promise<void> {
    if (this.#running.size > 0) await Promise.race(this.#running);
    this.#throwFailure();
  }

  /** Closes the open packs and waits until all are stored. @throws what storing threw */
  async finish(): Promise<void> {
    for (const kind of this.#open.keys()) this.#close(kind);
    await this.settle();
    this.#throwFailure();
  }

  /** Waits until nothing is on its way any more, whatever came of it. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.race(this.#running);
  }

  #close(kind: PackKind): void {
    const assembler = this.#open.get(kind);
    if (assembler === undefined || assembler.empty) return;
    this.#open.delete(kind);
    this.#waiting.push(assembler.finish());
    this.#start();
  }

  #start(): void {
    while (this.#running.size < this.#options.uploads && this.#failure === undefined) {
      const pack = this.#waiting.shift();
      if (pack === undefined) return;
      const run = this.#store(pack)
        .catch((error: unknown) => {
          this.#failure ??= error;
        })
        .finally(() => {
          this.#running.delete(run);
          this.#start();
          this.#options.onSettled?.(this.#failure);
        });
      this.#running.add(run);
    }
  }

  async #store(pack: AssembledPack): Promise<void> {
    const { store, onStoring } = this.#options;
    const key = packKey(pack.packId);
    const { packId, kind, sizeBytes, table, ordinals } = pack;
    const written = { packId, kind, sizeBytes, table, ordinals };
    await onStoring(written);
    // The name is the hash of the content and the header is salted: what is there already is this very pack.
    const object = { key, body: pack.parts, sha256: pack.sha256 };
    if (!(await putNamedByContent(store, object, (there) => there.sizeBytes === sizeBytes)))
      throw new HoldfastError("corrupt", `Cannot store ${key}: there is another object by that name`);
    this.#storedBytes += sizeBytes;
    this.packs.push(written);
    for (const segment of pack.segments) releaseBytes(segment);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
