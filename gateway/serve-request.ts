import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { Hono } from "hono";
import type { TrustedProxies } from "./access/trusted-proxies.ts";
import type { GatewayEnv } from "./gateway-env.ts";

/** Bytes that are handed to the connection at once: how fast they go is measured by each. */
const sliceBytes = 64 * 1024;
/** Methods that `Request` refuses. */
const refusedMethods = new Set(["CONNECT", "TRACE", "TRACK"]);

/** How responses are sent. */
export type SendOptions = {
  /** A client that takes less than `sliceBytes` in so many milliseconds is cut off. */
  readonly stallMs: number;
  readonly onFault: (fault: unknown) => void;
  /** Who may tell that a request is passed on, and for whom. */
  readonly proxies: TrustedProxies;
};

/**
 * Answers one request of Node's HTTP server by the app. A response that breaks after it began breaks the connection and adds nothing, so
 * that nobody takes the part for the whole.
 */
export async function serveRequest(
  app: Hono<GatewayEnv>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  options: SendOptions,
): Promise<void> {
  try {
    const headers = headersOf(incoming);
    const { address, isSecure, prefix, isProxied } = options.proxies.told(incoming.socket.remoteAddress, headers);
    const request = requestOf(incoming, headers, isSecure ?? "encrypted" in incoming.socket);
    if (request === undefined) {
      outgoing.writeHead(400, { "Content-Length": "0", Connection: "close" });
      outgoing.end();
      return;
    }
    const response = await app.fetch(request, { address, prefix, socket: isProxied ? undefined : incoming.socket });
    await send(response, outgoing, options);
    if (!incoming.complete) incoming.resume();
  } catch (fault) {
    options.onFault(fault);
    outgoing.destroy();
  }
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const given = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) given.append(rawHeaders[at] ?? "", rawHeaders[at + 1] ?? "");
  return given;
}

function requestOf(incoming: IncomingMessage, given: Headers, isSecure: boolean): Request | undefined {
  const { method = "GET", url = "/", headers } = incoming;
  if (refusedMethods.has(method) || incoming.httpVersionMajor !== 1) return undefined;
  const scheme = isSecure ? "https" : "http";
  const target = url === "*" ? "/" : escaped(url);
  const hasBody = method !== "GET" && method !== "HEAD";
  try {
    return new Request(target.startsWith("/") ? `${scheme}://${headers.host ?? "localhost"}${target}` : target, {
      method,
      headers: given,
      ...(hasBody ? { body: Readable.toWeb(incoming), duplex: "half" } : {}),
    });
  } catch {
    return undefined; // what cannot be a request: a bad host, a bad target
  }
}

/** A target with what a URL has no place for escaped, byte by byte: a backslash would become a slash, a byte that is no UTF-8 another. */
function escaped(target: string): string {
  return target.replaceAll(
    /[^\x21-\x5b\x5d-\x7e]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

async function send(response: Response, outgoing: ServerResponse, { stallMs }: SendOptions): Promise<void> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) {
    outgoing.end();
    return;
  }
  const reader = response.body.getReader();
  const giveUp = (): void => void reader.cancel().catch(() => undefined); // it is broken already: the reader below is told
  outgoing.once("close", giveUp);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (outgoing.destroyed) return;
      if (done) break;
      for (let at = 0; at < value.byteLength; at += sliceBytes) {
        if (outgoing.write(value.subarray(at, at + sliceBytes))) continue;
        if (!(await drained(outgoing, stallMs))) return;
      }
    }
    outgoing.end();
  } finally {
    outgoing.off("close", giveUp);
    if (!outgoing.writableEnded) {
      giveUp();
      outgoing.destroy();
    }
  }
}

/** Waits until the connection takes more. False: it is closed, or too slow. */
function drained(outgoing: ServerResponse, stallMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (isOpen: boolean): void => {
      clearTimeout(timer);
      outgoing.off("drain", onDrain);
      outgoing.off("close", onClose);
      resolve(isOpen);
    };
    const onDrain = (): void => end(true);
    const onClose = (): void => end(false);
    const timer = setTimeout(onClose, stallMs);
    outgoing.once("drain", onDrain);
    outgoing.once("close", onClose);
    if (outgoing.destroyed) onClose();
  });
}
