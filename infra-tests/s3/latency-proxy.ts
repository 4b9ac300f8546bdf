import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { Readable, Writable } from "node:stream";

/** A proxy that a test or a bench started, and how to end it. */
export type LatencyProxy = {
  /** The endpoint to use in place of the server's. */
  readonly endpoint: string;
  /** Connections taken so far. */
  readonly connections: () => number;
  readonly stop: () => Promise<void>;
};

/** Bytes of one direction of one connection that are on their way at most; then its sender is held back. */
const onTheWayBytesMax = 16 * 1024 * 1024;

/**
 * Puts a TCP proxy before a server, which delays what passes by `delayMs` each way, as a long line does: a request that is sent at
 * once with others arrives at once with them, and bandwidth stays as it is.
 *
 * @param endpoint - of the server: `http://host:port`
 * @param delayMs - one way; a request and its answer take twice as much longer, and so does opening a connection
 */
export async function startLatencyProxy(endpoint: string, delayMs: number): Promise<LatencyProxy> {
  const { hostname, port } = new URL(endpoint);
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    connections++;
    const far = connect({ host: hostname, port: Number(port), noDelay: true, allowHalfOpen: true });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on("close", () => sockets.delete(one));
      one.on("error", () => other.destroy());
    }
    // What was sent first waits for the connection to be opened too: a round trip.
    delayed(near, far, delayMs, 3 * delayMs);
    delayed(far, near, delayMs, delayMs);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const ownPort = typeof address === "object" && address !== null ? address.port : 0;
  return {
    endpoint: `http://127.0.0.1:${ownPort}`,
    connections: () => connections,
    async stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}

/** Passes what comes from one end to the other, in order, each piece `delayMs` after it came; none before `firstMs` have passed. */
function delayed(from: Readable, to: Writable, delayMs: number, firstMs: number): void {
  const opensAtMs = performance.now() + firstMs;
  /** The end is a piece without bytes. */
  const onTheWay: { readonly dueMs: number; readonly bytes: Buffer | undefined }[] = [];
  let onTheWayBytes = 0;
  let isWaiting = false;
  const pass = (): void => {
    isWaiting = false;
    for (let next = onTheWay[0]; next !== undefined; next = onTheWay[0]) {
      const leftMs = next.dueMs - performance.now();
      if (leftMs > 0) {
        isWaiting = true;
        setTimeout(pass, leftMs);
        return;
      }
      onTheWay.shift();
      if (!to.writable) return;
      if (next.bytes === undefined) {
        to.end();
        return;
      }
      onTheWayBytes -= next.bytes.length;
      if (onTheWayBytes <= onTheWayBytesMax) from.resume();
      if (!to.write(next.bytes)) {
        isWaiting = true;
        to.once("drain", pass);
        return;
      }
    }
  };
  const add = (bytes: Buffer | undefined): void => {
    onTheWay.push({ dueMs: Math.max(opensAtMs, performance.now() + delayMs), bytes });
    onTheWayBytes += bytes?.length ?? 0;
    if (onTheWayBytes > onTheWayBytesMax) from.pause();
    if (!isWaiting) pass();
  };
  from.on("data", add);
  from.on("end", () => add(undefined));
}
