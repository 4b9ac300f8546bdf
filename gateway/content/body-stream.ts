/**
 * A body of bytes made as fast as it is taken, nothing ahead. Whoever stops taking it stops the making; a failure breaks the connection, so
 * that what came is not taken for the whole.
 *
 * The first part is made before this resolves: what fails at once can still be told by a status.
 *
 * @param onEnd - told once, with the bytes that were taken, and what broke it if anything did
 */
export async function bodyStream(
  parts: AsyncIterable<Uint8Array>,
  onEnd?: (sentBytes: number, failure?: unknown) => void,
): Promise<ReadableStream<Uint8Array>> {
  const iterator = parts[Symbol.asyncIterator]();
  let next: IteratorResult<Uint8Array> | undefined = await iterator.next();
  let sentBytes = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          for (;;) {
            next ??= await iterator.next();
            if (next.done === true) {
              onEnd?.(sentBytes);
              controller.close();
              return;
            }
            const part = next.value;
            next = undefined;
            if (part.byteLength === 0) continue;
            sentBytes += part.byteLength;
            controller.enqueue(part);
            return;
          }
        } catch (error) {
          onEnd?.(sentBytes, error);
          controller.error(error);
        }
      },
      async cancel() {
        onEnd?.(sentBytes);
        next = undefined;
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
