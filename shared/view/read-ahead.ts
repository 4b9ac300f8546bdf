/** Bytes that one reader may have fetched ahead when it has read for a while. */
const readerBytesMax = 8 * 1024 * 1024;
/** Bytes that a reader may have fetched ahead when it begins. */
const readerBytesMin = 256 * 1024;

/**
 * How much all sequential readers of a process may fetch ahead together. What a reader needs at once is never refused; what it will
 * need next is fetched while there is room.
 */
export class ReadAhead {
  readonly #limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Room for one more chunk of a reader that has `aheadBytes` fetched and has been given `readBytes` so far. */
  hasRoom(chunkBytes: number, aheadBytes: number, readBytes: number): boolean {
    const readerBytes = Math.min(readerBytesMax, Math.max(readerBytesMin, readBytes * 2));
    return aheadBytes + chunkBytes <= readerBytes && this.#usedBytes + chunkBytes <= this.#limitBytes;
  }

  take(bytes: number): void {
    this.#usedBytes += bytes;
  }

  give(bytes: number): void {
    this.#usedBytes -= bytes;
  }

  /** Bytes that are fetched ahead now. */
  get usedBytes(): number {
    return this.#usedBytes;
  }
}
