import { createServer as createHttpServer, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { systemClock } from "#shared/clock.ts";
import { HoldfastError } from "#shared/errors.ts";
import { isLoopbackAddress } from "./access/loopback.ts";
import { TrustedProxies } from "./access/trusted-proxies.ts";
import type { AccessRules } from "./access/access-rules.ts";
import type { AccessRecord } from "./access-record.ts";
import { gatewayApp } from "./app.ts";
import { httpProtocol } from "./http/http-protocol.ts";
import type { Mount } from "./mount.ts";
import { type Protocol, type ProtocolName, protocolPrefixes } from "./protocol.ts";
import { s3Protocol } from "./s3/s3-protocol.ts";
import { serveRequest } from "./serve-request.ts";
import { requirePage } from "./ui/ui-files.ts";
import { uiProtocol } from "./ui/ui-protocol.ts";
import { webdavProtocol } from "./webdav/webdav-protocol.ts";

/** A place to listen at, and what is spoken there. */
export type Listener = { readonly host: string; readonly port: number; readonly protocols: readonly ProtocolName[] };

/** What a gateway of this process is made of. */
export type ServeOptions = {
  readonly mount: Mount;
  readonly access: AccessRules;
  readonly listeners: readonly Listener[];
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** Listen without TLS where others can reach it: something else in front encrypts. */
  readonly isPlainAllowed?: boolean | undefined;
  /** Connections of all listeners at most. Default 1024. */
  readonly connections?: number | undefined;
  /** Requests a second of one address that is not of this machine. Default 500. */
  readonly requestsPerSecond?: number | undefined;
  /** Addresses and networks of proxies that may tell for whom they ask, by which scheme and below which path. Default: none. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** A client that takes less than 64 KiB in so many milliseconds is cut off. Default 5 minutes. */
  readonly stallMs?: number | undefined;
  readonly onAccess?: ((record: AccessRecord) => void) | undefined;
  readonly onFault?: ((fault: unknown) => void) | undefined;
};

/** A gateway that listens. */
export type RunningGateway = {
  /** A URL for each protocol of each listener. */
  readonly places: readonly { readonly protocol: ProtocolName; readonly url: string }[];
  /** Takes no more connections, lets what is being sent end for so many milliseconds, then ends all. */
  close(graceMs: number): Promise<void>;
};

/** The protocols that are built. */
const protocols: Partial<Readonly<Record<ProtocolName, Protocol>>> = {
  http: httpProtocol,
  s3: s3Protocol,
  webdav: webdavProtocol,
  ui: uiProtocol,
};

/** Milliseconds within which a client must have sent its headers, its whole request, and its next request. */
const headersMs = 15_000;
const requestMs = 60_000;
const keepAliveMs = 30_000;
/** Milliseconds for which a client may take nothing: a paused download, a full disk, a change of tapes. */
const usualStallMs = 5 * 60_000;
/** Milliseconds between two looks for connections that took too long: thousands at once would be much garbage at once. */
const lookMs = 1_000;

/**
 * Serves a mount over Node's HTTP server. Throws too what `TrustedProxies` throws.
 *
 * @throws {HoldfastError} denied: others could reach it, and there are no users, or no TLS
 * @throws {HoldfastError} conflict: the port is taken
 * @throws {HoldfastError} invalid: no connection or no request would be let in; absent: the page of the UI is not built
 */
export async function serveGateway(options: ServeOptions): Promise<RunningGateway> {
  checkLimits(options);
  for (const listener of options.listeners) checkListener(listener, options);
  if (options.listeners.some((each) => each.protocols.includes("ui"))) await requirePage();
  const servers: Server[] = [];
  const places: { protocol: ProtocolName; url: string }[] = [];
  const close = async (graceMs: number): Promise<void> => {
    const timer = setTimeout(() => {
      for (const server of servers) server.closeAllConnections();
    }, graceMs);
    await Promise.all(
      servers.map((server) => {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeIdleConnections();
        return closed;
      }),
    );
    clearTimeout(timer);
  };
  try {
    for (const listener of options.listeners) {
      const server = makeServer(listener, options);
      servers.push(server);
      const port = await listen(server, listener);
      const scheme = options.tls === undefined ? "http" : "https";
      const host = listener.host.includes(":") && !listener.host.startsWith("[") ? `[${listener.host}]` : listener.host;
      for (const protocol of listener.protocols) {
        places.push({ protocol, url: `${scheme}://${host}:${port}${prefixOf(protocol, listener)}/` });
      }
    }
  } catch (error) {
    await close(0);
    throw error;
  }
  return { places, close };
}

function makeServer(listener: Listener, options: ServeOptions): Server {
  const { mount, access, tls, onAccess, onFault = () => undefined } = options;
  const app = gatewayApp({
    mount,
    access,
    protocols: listener.protocols.map((name) => ({ protocol: built(name), prefix: prefixOf(name, listener) })),
    clock: systemClock,
    requestsPerSecond: isLoopbackAddress(listener.host) ? undefined : (options.requestsPerSecond ?? 500),
    onAccess,
    onFault,
  });
  const settings = {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: lookMs,
  };
  const server =
    tls === undefined
      ? createHttpServer(settings)
      : createHttpsServer({ ...settings, cert: tls.cert, key: tls.key, minVersion: "TLSv1.2" });
  const stallMs = options.stallMs ?? usualStallMs;
  const proxies = new TrustedProxies(options.trustedProxies ?? []);
  server.on("request", (incoming, outgoing) => {
    void serveRequest(app, incoming, outgoing, { stallMs, onFault, proxies });
  });
  server.maxConnections = Math.ceil((options.connections ?? 1024) / options.listeners.length);
  server.timeout = Math.max(requestMs * 2, stallMs + requestMs);
  const eachMax = Math.max(1, Math.ceil(server.maxConnections / 4));
  if (!isLoopbackAddress(listener.host)) limitByAddress(server, eachMax, proxies);
  return server;
}

/** No address gets more than so many of the connections, except proxies that ask for many. */
function limitByAddress(server: Server, connectionsMax: number, proxies: TrustedProxies): void {
  const counts = new Map<string, number>();
  server.on("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    if (proxies.has(address)) return;
    const count = (counts.get(address) ?? 0) + 1;
    if (count > connectionsMax) {
      socket.destroy();
      return;
    }
    counts.set(address, count);
    socket.once("close", () => {
      const left = (counts.get(address) ?? 1) - 1;
      if (left > 0) counts.set(address, left);
      else counts.delete(address);
    });
  });
}

/** Why a place cannot be listened at, and what to do about it, by the code of the operating system. */
const listenFailures: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  EADDRINUSE: ["another program listens there", "Stop it, or choose another port; port 0 takes a free one."],
  EACCES: ["this user may not", "Choose a port from 1024 on."],
  EADDRNOTAVAIL: ["this machine has no such address", "Use an address of this machine, or 0.0.0.0 for all of them."],
};

function checkLimits({ connections = 1, requestsPerSecond = 1, stallMs = usualStallMs }: ServeOptions): void {
  if (stallMs < 1) throw new HoldfastError("invalid", "Cannot serve anybody: clients may not be cut off at once");
  if (connections >= 1 && requestsPerSecond >= 1) return;
  throw new HoldfastError(
    "invalid",
    "Cannot serve anybody: at least one connection and one request a second are needed",
  );
}

function listen(server: Server, { host, port }: Listener): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const kind = cause.code === "EADDRINUSE" ? "conflict" : cause.code === "EACCES" ? "denied" : "invalid";
      const [reason, hint] = listenFailures[cause.code ?? ""] ?? [cause.message];
      const told = hint === undefined ? { cause } : { cause, hint };
      reject(new HoldfastError(kind, `Cannot listen at ${host}:${port}: ${reason}`, told));
    });
    server.listen(port, host.replaceAll(/^\[|\]$/g, ""), () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function checkListener({ host, port, protocols: spoken }: Listener, options: ServeOptions): void {
  if (isLoopbackAddress(host)) return;
  if (options.access.isOpen) {
    const rules = spoken.includes("s3")
      ? '{"s3Keys": [{"accessKeyId": "KEY-ID", "secretAccessKey": "SECRET"}]}, with a SECRET of 20 characters or more,'
      : '{"users": [{"name": "NAME", "passwordHash": "HASH"}]}, with the HASH that `holdfast mount --hash-password` prints,';
    throw new HoldfastError(
      "denied",
      `Cannot listen at ${host}:${port}: others can reach it, and nobody is asked who they are`,
      {
        hint: `Write ${rules} into a file that only you may read, and give it by --access FILE; or listen at 127.0.0.1.`,
      },
    );
  }
  if (options.tls === undefined && options.isPlainAllowed !== true) {
    throw new HoldfastError(
      "denied",
      `Cannot listen at ${host}:${port}: passwords and files would go over the network in the clear`,
      {
        hint: "Give --cert and --key; or --insecure-plain, where something in front of it encrypts.",
      },
    );
  }
}

function prefixOf(protocol: ProtocolName, listener: Listener): string {
  return listener.protocols.length === 1 ? "" : protocolPrefixes[protocol];
}

function built(name: ProtocolName): Protocol {
  const protocol = protocols[name];
  if (protocol === undefined) throw new HoldfastError("incompatible", `Cannot serve ${name}: it is not built yet`);
  return protocol;
}
