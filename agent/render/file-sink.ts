import { writeSync } from "node:fs";
import type { Sink } from "./renderer.ts";

/** Characters that may wait for the end of the current turn before they are written. */
const bufferCharactersMax = 65_536;
const retryMs = 2;

/** How a sink on a file descriptor behaves. */
export type FileSinkOptions = {
  /** Small writes of one turn leave as one. */
  readonly buffered: boolean;
  /** Columns of the terminal, or undefined when it is none. */
  readonly columns: () => number | undefined;
  /** Told once, when a write fails; what is written afterwards is dropped. */
  readonly failed: (error: NodeJS.ErrnoException) => void;
};

/**
 * A sink on a file descriptor. Writes are whole and synchronous: what `flush` returned from is written, or `failed` was
 * told; nothing is lost when the process ends. At most 64 Ki characters wait.
 */
export class FileSink implements Sink {
  readonly #fd: number;
  readonly #options: FileSinkOptions;
  #waiting = "";
  #scheduled = false;
  #broken = false;

  constructor(fd: number, options: FileSinkOptions) {
    this.#fd = fd;
    this.#options = options;
  }

  write(text: string): void {
    if (text === "" || this.#broken) return;
    this.#waiting += text;
    if (!this.#options.buffered || this.#waiting.length >= bufferCharactersMax) return this.flush();
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Writes what waits. */
  flush(): void {
    const bytes = Buffer.from(this.#waiting, "utf8");
    this.#waiting = "";
    for (let done = 0; done < bytes.length && !this.#broken;) {
      try {
        done += writeSync(this.#fd, bytes, done);
      } catch (error) {
        this.#retryOrBreak(error as NodeJS.ErrnoException);
      }
    }
  }

  columns(): number | undefined {
    return this.#options.columns();
  }

  /** A terminal or pipe that somebody else made non-blocking is full for a while: wait. Anything else is the end. */
  #retryOrBreak(error: NodeJS.ErrnoException): void {
    if (error.code === "EAGAIN") {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
      return;
    }
    this.#broken = true;
    this.#options.failed(error);
  }
}
