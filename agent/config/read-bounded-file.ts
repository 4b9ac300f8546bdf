import { close, constants, fstat, open, read } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { unlessAborted } from "#shared/unless-aborted.ts";

/** Milliseconds after which a device that has nothing yet is asked again. */
const retryMs = 20;

const openFile = promisify(open);
const statFile = promisify(fstat);
const readFile = promisify(read);
const closeFile = promisify(close);

/** Which file is read whole, and how much of it. */
export type BoundedFile = {
  /** As typed. */
  readonly path: string;
  /** What it is, for messages: "key file". */
  readonly what: string;
  readonly limitBytes: number;
  readonly signal: AbortSignal;
  /** Looks at the mode of the file before it is read, and throws to refuse it. */
  readonly allow?: (mode: number) => void;
};

/**
 * The whole content of a file that a person named: a regular file, a named pipe, or what a shell makes of `<(…)`. Takes no more
 * memory than the limit, and waits for the writer of a pipe until the signal fires.
 *
 * @returns at most `limitBytes`
 * @throws {HoldfastError} invalid: it has more bytes, or is a directory
 * @throws {HoldfastError} absent, denied or unavailable: it is not there, or cannot be read
 * @throws the signal's reason
 */
export async function readBoundedFile({ path, what, limitBytes, signal, allow }: BoundedFile): Promise<Buffer> {
  try {
    signal.throwIfAborted();
    // Without O_NONBLOCK a pipe that nobody writes to would hold a thread.
    const opening = openFile(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const fd = await unlessAborted(opening, signal);
    let mustClose = true;
    try {
      const stats = await unlessAborted(statFile(fd), signal);
      allow?.(stats.mode);
      if (stats.isFile() && stats.size > limitBytes) throw tooLarge(path, what, limitBytes);
      // The system gives the pages of large memory as they are written to.
      const room = Buffer.allocUnsafeSlow(limitBytes + 1);
      mustClose = !stats.isFIFO();
      const lengthBytes = await (stats.isFIFO() ? readPipe : readOn)(fd, room, signal);
      if (lengthBytes > limitBytes) throw tooLarge(path, what, limitBytes);
      return room.subarray(0, lengthBytes);
    } finally {
      // A read that does not end holds the descriptor: it goes with the process.
      if (mustClose && !signal.aborted) await closeFile(fd);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (isHoldfastError(error)) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new HoldfastError(kindOf(code), `Cannot read the ${what} ${path}: ${message}`, { cause: error });
  }
}

/** Reads from `fd` until its end or until `room` is full. @returns bytes read */
async function readOn(fd: number, room: Buffer, signal: AbortSignal): Promise<number> {
  let done = 0;
  while (done < room.length) {
    try {
      const { bytesRead } = await unlessAborted(readFile(fd, room, done, room.length - done, null), signal);
      if (bytesRead === 0) break;
      done += bytesRead;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      await sleep(retryMs, undefined, { signal });
    }
  }
  return done;
}

/** As `readOn`, and closes `fd`. The event loop tells a pipe whose writer has not come yet from one whose writer has gone. */
async function readPipe(fd: number, room: Buffer, signal: AbortSignal): Promise<number> {
  const { Socket } = await import("node:net");
  let done = 0;
  for await (const chunk of new Socket({ fd, readable: true, writable: false, signal })) {
    done += (chunk as Buffer).copy(room, done);
    if (done === room.length) break;
  }
  return done;
}

function tooLarge(path: string, what: string, limitBytes: number): HoldfastError {
  const limit = limitBytes < 2 ** 20 ? `${limitBytes / 2 ** 10} KiB` : `${limitBytes / 2 ** 20} MiB`;
  return new HoldfastError("invalid", `Cannot use the ${what} ${path}: it has more than ${limit}`, {
    detail: { limitBytes },
  });
}

function kindOf(code: string | undefined): "absent" | "denied" | "invalid" | "unavailable" {
  if (code === "ENOENT" || code === "ENOTDIR") return "absent";
  if (code === "EACCES" || code === "EPERM") return "denied";
  return code === "EISDIR" ? "invalid" : "unavailable";
}
