import { releaseBytes } from "./release-bytes.ts";

/** A segment that is opened, or is being. */
type Opened = {
  readonly plain: Promise<Uint8Array<ArrayBuffer>>;
  /** Bytes that it counts for. */
  sizeBytes: number;
  /** Who waits for it, and makes sure that it is not given up meanwhile. */
  users: number;
  isKept: boolean;
};

/**
 * The plaintext of the segments that were used last. Nobody but `use` sees it, so that its memory is given back at once, by hand, when
 * it makes room for another.
 *
 * Memory: `limitBytes`, one segment at least, and those that somebody waits for.
 */
export class OpenedSegments {
  readonly #limitBytes: number;
  readonly #segments = new Map<number, Opened>();
  #sizeBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Bytes that are kept now. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * What `take` makes of a segment's plaintext, which it must not keep.
   *
   * @param options.guessBytes - what the plaintext counts for until it is there
   * @param options.open - opens it to memory that nothing else uses, when it is not here; what it throws is thrown, and not kept
   */
  async use<Result>(
    ordinal: number,
    options: {
      readonly guessBytes: number;
      readonly open: () => Promise<Uint8Array<ArrayBuffer>>;
      readonly take: (plain: Uint8Array) => Result;
    },
  ): Promise<Result> {
    const opened = this.#find(ordinal) ?? this.#add(ordinal, options.open(), options.guessBytes);
    opened.users++;
    try {
      return options.take(await opened.plain);
    } finally {
      opened.users--;
      if (!opened.isKept) release(opened);
    }
  }

  #find(ordinal: number): Opened | undefined {
    const opened = this.#segments.get(ordinal);
    if (opened === undefined) return undefined;
    this.#segments.delete(ordinal);
    this.#segments.set(ordinal, opened);
    return opened;
  }

  #add(ordinal: number, plain: Promise<Uint8Array<ArrayBuffer>>, sizeBytes: number): Opened {
    const opened: Opened = { plain, sizeBytes, users: 0, isKept: true };
    this.#segments.set(ordinal, opened);
    this.#sizeBytes += sizeBytes;
    plain.then(
      (bytes) => {
        if (!opened.isKept) return;
        this.#sizeBytes += bytes.buffer.byteLength - opened.sizeBytes;
        opened.sizeBytes = bytes.buffer.byteLength;
        this.#makeRoom();
      },
      () => this.#drop(ordinal, opened),
    );
    this.#makeRoom();
    return opened;
  }

  /** Gives up what was not used for longest until the rest fits; the newest is kept even if it does not. */
  #makeRoom(): void {
    for (const [ordinal, opened] of this.#segments) {
      if (this.#sizeBytes <= this.#limitBytes || this.#segments.size === 1) return;
      this.#drop(ordinal, opened);
    }
  }

  #drop(ordinal: number, opened: Opened): void {
    if (!opened.isKept) return;
    opened.isKept = false;
    this.#segments.delete(ordinal);
    this.#sizeBytes -= opened.sizeBytes;
    release(opened);
  }
}

/** Gives the memory of a segment back, unless somebody waits for it, who then does. */
function release(opened: Opened): void {
  if (opened.users > 0) return;
  opened.plain.then(
    (bytes) => {
      if (opened.users === 0) releaseBytes(bytes);
    },
    () => undefined, // there is nothing to give back
  );
}
