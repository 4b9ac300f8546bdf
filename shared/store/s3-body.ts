import { Readable } from "node:stream";
import { HoldfastError } from "#shared/errors.ts";
import { unfilledBytes } from "./joined-bytes.ts";

/**
 * Reads an answer's body of exactly `lengthBytes` into a buffer of its own.
 *
 * @param body - the stream that the SDK hands out
 * @throws {HoldfastError} unavailable: the body is shorter or longer than it should be
 * @throws errors of the stream, as they are
 */
export async function readBody(body: unknown, lengthBytes: number, key: string): Promise<Uint8Array<ArrayBuffer>> {
  if (!(body instanceof Readable)) {
    if (body === undefined && lengthBytes === 0) return unfilledBytes(0);
    throw new HoldfastError("internal", `Cannot read ${key}: the answer has no body`);
  }
  const bytes = unfilledBytes(lengthBytes);
  let done = 0;
  await new Promise<void>((resolve, reject) => {
    body.on("data", (chunk: Uint8Array) => {
      if (done + chunk.byteLength <= lengthBytes) bytes.set(chunk, done);
      done += chunk.byteLength;
      if (done > lengthBytes) body.destroy(wrongLength(key, done, lengthBytes));
    });
    body.on("end", resolve);
    body.on("error", reject);
    body.on("close", () => reject(wrongLength(key, done, lengthBytes))); // without effect after "end"
  });
  if (done !== lengthBytes) throw wrongLength(key, done, lengthBytes);
  return bytes;
}

/** Lets go of an answer's body that nobody wants, and of its connection. */
export function dropBody(body: unknown): void {
  if (!(body instanceof Readable)) return;
  body.on("error", () => undefined); // its end is what we ask for
  body.destroy();
}

function wrongLength(key: string, gotBytes: number, lengthBytes: number): HoldfastError {
  const howMany = gotBytes > lengthBytes ? "more" : `only ${gotBytes}`;
  return new HoldfastError("unavailable", `Cannot read ${key}: the server sent ${howMany} of ${lengthBytes} bytes`, {
    detail: { key, gotBytes, lengthBytes, brief: true },
  });
}
