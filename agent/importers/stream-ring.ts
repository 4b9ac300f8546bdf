import { HoldfastError } from "#shared/errors.ts";

/** Bytes on their way from one thread to another at most. A power of two. */
const ringBytes = 4 * 1024 * 1024;

/** Memory that two threads share: what `StreamRingWriter` and `StreamRingReader` work on. */
export type StreamRing = { readonly control: SharedArrayBuffer; readonly bytes: SharedArrayBuffer };

/** Places in `control`, i32 each: bytes written and read so far, both modulo 2^32; how it ended; how often the writer has told something. */
const [written, read, state, news] = [0, 1, 2, 3];
const states = { open: 0, ended: 1, given: 2 };

export function createStreamRing(): StreamRing {
  return { control: new SharedArrayBuffer(16), bytes: new SharedArrayBuffer(ringBytes) };
}

/** The end that bytes are put in. */
export class StreamRingWriter {
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #bytes: Uint8Array;

  constructor(ring: StreamRing) {
    this.#control = new Int32Array(ring.control);
    this.#bytes = new Uint8Array(ring.bytes);
  }

  /** Puts in all of `chunk`; waits while there is no room. */
  async write(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.byteLength > 0;) {
      const at = Atomics.load(this.#control, written) >>> 0;
      const taken = Atomics.load(this.#control, read);
      const room = ringBytes - ((at - taken) >>> 0);
      if (room === 0) {
        await Atomics.waitAsync(this.#control, read, taken).value;
        continue;
      }
      const from = at % ringBytes;
      const part = rest.subarray(0, Math.min(room, ringBytes - from));
      this.#bytes.set(part, from);
      rest = rest.subarray(part.byteLength);
      Atomics.add(this.#control, written, part.byteLength);
      this.#tell();
    }
  }

  /** Nothing more comes. */
  end(): void {
    this.#finish(states.ended);
  }

  /** What is missing will not come: whoever reads fails. */
  giveUp(): void {
    this.#finish(states.given);
  }

  #finish(how: number): void {
    Atomics.compareExchange(this.#control, state, states.open, how);
    this.#tell();
  }

  #tell(): void {
    Atomics.add(this.#control, news, 1);
    Atomics.notify(this.#control, news);
  }
}

/** The end that bytes are taken from, in a thread that may block. */
export class StreamRingReader {
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #bytes: Uint8Array;

  constructor(ring: StreamRing) {
    this.#control = new Int32Array(ring.control);
    this.#bytes = new Uint8Array(ring.bytes);
  }

  /**
   * Fills `into`; waits while nothing is there. Fewer bytes come only at the end.
   *
   * @throws {HoldfastError} interrupted: the writer has given up
   */
  read(into: Uint8Array): number {
    let filled = 0;
    while (filled < into.byteLength) {
      const told = Atomics.load(this.#control, news);
      const how = Atomics.load(this.#control, state);
      const at = Atomics.load(this.#control, read) >>> 0;
      const there = (Atomics.load(this.#control, written) - at) >>> 0;
      if (how === states.given) throw new HoldfastError("interrupted", "The stream was given up");
      if (there === 0) {
        if (how === states.ended) break;
        Atomics.wait(this.#control, news, told);
        continue;
      }
      const from = at % ringBytes;
      const length = Math.min(there, ringBytes - from, into.byteLength - filled);
      into.set(this.#bytes.subarray(from, from + length), filled);
      filled += length;
      Atomics.add(this.#control, read, length);
      Atomics.notify(this.#control, read);
    }
    return filled;
  }
}
