/** A body that tells, once, how many bytes were taken of it when it has ended, broken or been given up. */
export function countedBody(
  body: ReadableStream<Uint8Array>,
  onEnd: (sentBytes: number, failure?: unknown) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let sentBytes = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            onEnd(sentBytes);
            controller.close();
          } else {
            sentBytes += value.byteLength;
            controller.enqueue(value);
          }
        } catch (error) {
          onEnd(sentBytes, error);
          controller.error(error);
        }
      },
      async cancel(reason) {
        onEnd(sentBytes);
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
