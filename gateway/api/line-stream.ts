import type { Push } from "./api-route.ts";

/** Bytes that wait to be taken before making more waits. */
const waitingBytes = 64 * 1024;

/**
 * A body of lines of JSON, made by `produce`, little ahead of who takes it. Whoever stops taking it aborts `signal`.
 *
 * Resolves when there is a first line, or throws what `produce` threw before: so that it can still be told by a status. What it throws later
 * becomes the last line, as `failed` words it.
 */
export async function lineStream(
  produce: (push: Push<unknown>, signal: AbortSignal) => Promise<void>,
  failed: (error: unknown) => unknown,
): Promise<ReadableStream<Uint8Array>> {
  const stop = new AbortController();
  let room: (() => void) | undefined;
  let begin: (() => void) | undefined;
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      start(made) {
        controller = made;
      },
      pull() {
        room?.();
        room = undefined;
      },
      cancel() {
        stop.abort();
        room?.();
      },
    },
    { highWaterMark: waitingBytes, size: (part) => part.byteLength },
  );
  const push: Push<unknown> = async (line) => {
    stop.signal.throwIfAborted();
    controller?.enqueue(Buffer.from(`${JSON.stringify(line)}\n`, "utf8"));
    begin?.();
    if ((controller?.desiredSize ?? 1) <= 0) {
      await new Promise<void>((resolve) => {
        room = resolve;
      });
    }
    stop.signal.throwIfAborted();
  };
  const first = new Promise<void>((resolve) => (begin = resolve));
  const made = produce(push, stop.signal);
  const done = made.then(
    () => "ended" as const,
    (error: unknown) => ({ error }),
  );
  const outcome = await Promise.race([first, done]);
  if (typeof outcome === "object") throw outcome.error;
  void done.then((end) => {
    if (stop.signal.aborted) return;
    if (end !== "ended") controller?.enqueue(Buffer.from(`${JSON.stringify(failed(end.error))}\n`, "utf8"));
    controller?.close();
  });
  return body;
}
