import type { Hono } from "hono";
import type { AccessRules } from "./access/access-rules.ts";
import type { GatewayEnv } from "./gateway-env.ts";

/** The protocols that a gateway speaks. */
export const protocolNames = ["http", "webdav", "s3", "ui"] as const;
/** One of `protocolNames`. */
export type ProtocolName = (typeof protocolNames)[number];

/** Where a protocol is found when it shares its port with others; alone on a port it is at the top. */
export const protocolPrefixes: Readonly<Record<ProtocolName, string>> = {
  http: "",
  webdav: "/dav",
  s3: "/s3",
  ui: "/ui",
};

/**
 * A protocol: makes the part of the app that answers below a prefix.
 *
 * It dispatches by `c.req.method` itself and reads paths by `requestPath(c.req.url, prefix)`: Hono decodes paths as UTF-8, which names
 * need not be, and gives HEAD to handlers of GET.
 */
export type Protocol = {
  readonly name: ProtocolName;
  /** `gateway`: the app asks for user or token first, and sets `view`. `own`: the protocol does both itself (S3 signatures). */
  readonly authentication: "gateway" | "own";
  app(options: ProtocolOptions): Hono<GatewayEnv>;
};

/** What a protocol is told. */
export type ProtocolOptions = {
  /** Beginning of every path, without a closing slash: "" or "/dav". */
  readonly prefix: string;
  readonly access: AccessRules;
};
