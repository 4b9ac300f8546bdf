/** Keeps the most recently used values whose sizes add up to at most `limitBytes`; the newest is kept even if it is larger. */
export class ByteBoundedCache<Key, Value> {
  readonly #limitBytes: number;
  readonly #entries = new Map<Key, { value: Value; sizeBytes: number }>();
  #sizeBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Whether a key has this very value. It is not used by that. */
  has(key: Key, value: Value): boolean {
    return this.#entries.get(key)?.value === value;
  }

  add(key: Key, value: Value, sizeBytes: number): void {
    this.drop(key);
    this.#entries.set(key, { value, sizeBytes });
    this.#sizeBytes += sizeBytes;
    for (const [oldest] of this.#entries) {
      if (this.#sizeBytes <= this.#limitBytes || this.#entries.size === 1) break;
      this.drop(oldest);
    }
  }

  drop(key: Key): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#sizeBytes -= entry.sizeBytes;
  }
}
