import type { Transform } from "node:stream";

/** The engine inside one of Node's zstd streams, driven by hand. */
export type ZstdHandle = {
  /**
   * Runs the engine over `input` into `output`, at once and in this thread.
   *
   * @returns the bytes of `output` that were written, or `undefined` when the input is damaged or the output too small: the engine must
   *   not be used again then
   */
  run(flush: number, input: Uint8Array, output: Uint8Array): number | undefined;
};

type Engine = {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputBytes: number,
    output: Uint8Array,
    outputAt: number,
    outputBytes: number,
  ): void;
};

/**
 * Reaches for the engine of a zstd stream of Node, so that one engine serves many buffers and writes where the caller wants: the public
 * one-shot functions make a new engine (a megabyte of tables) and new output buffers every time, and for pieces of half a megabyte
 * the collector that clears them away costs as much as the compression itself.
 *
 * Node does not document the engine. Nothing relies on it: where it does not look as expected, the caller uses the one-shot
 * functions, and whatever it makes is verified like everything else.
 *
 * @returns `undefined` where there is none
 */
export function zstdHandle(stream: Transform): ZstdHandle | undefined {
  const engine: unknown = Reflect.get(stream, "_handle");
  const written: unknown = Reflect.get(stream, "_writeState");
  if (!isEngine(engine) || !(written instanceof Uint32Array) || written.length !== 2) return undefined;
  let hasFailed = false;
  Reflect.set(engine, "onerror", () => {
    hasFailed = true;
  });
  return {
    run: (flush, input, output) => {
      written[0] = 0;
      written[1] = 1;
      engine.writeSync(flush, input, 0, input.length, output, 0, output.length);
      const [outputLeft, inputLeft] = written;
      if (hasFailed || inputLeft !== 0 || outputLeft === undefined || outputLeft > output.length) return undefined;
      return output.length - outputLeft;
    },
  };
}

function isEngine(value: unknown): value is Engine {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof Reflect.get(value, "writeSync") === "function" &&
    typeof Reflect.get(value, "onerror") === "function"
  );
}
