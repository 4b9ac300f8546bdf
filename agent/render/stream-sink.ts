import type { Sink } from "./renderer.ts";

/** Characters that may wait for the end of the current turn before they are written. */
const bufferCharactersMax = 65_536;

/** The part of a process stream that a sink needs. */
export type SinkStream = { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };

/**
 * A sink on a process stream. With `buffered`, small writes of one turn leave as one (at most 64 Ki characters wait);
 * `flush` writes what waits, at once.
 */
export class StreamSink implements Sink {
  readonly #stream: SinkStream;
  readonly #buffered: boolean;
  #waiting = "";
  #scheduled = false;

  constructor(stream: SinkStream, buffered: boolean) {
    this.#stream = stream;
    this.#buffered = buffered;
  }

  write(text: string): void {
    if (text === "") return;
    this.#waiting += text;
    if (!this.#buffered || this.#waiting.length >= bufferCharactersMax) return this.flush();
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Writes what waits. */
  flush(): void {
    const text = this.#waiting;
    this.#waiting = "";
    if (text !== "") this.#stream.write(text);
  }

  columns(): number | undefined {
    return this.#stream.isTTY ? (this.#stream.columns ?? 80) : undefined;
  }
}
