import type { OptionRow, OptionValues } from "#agent/arguments/option-row.ts";
import { parsePathReference } from "#agent/arguments/snapshot-reference.ts";
import type { MountRequest } from "./engine.ts";

/** Options of every command that serves. */
export const servingOptions = [
  { name: "access", type: "text", value: "FILE", description: "Ask who they are: users, tokens and S3 keys." },
  { name: "cert", type: "text", value: "FILE", description: "Speak TLS with this certificate chain (PEM)." },
  { name: "key", type: "text", value: "FILE", description: "The private key of the certificate (PEM)." },
  {
    name: "insecure-plain",
    type: "flag",
    description: "Listen without TLS where others can reach it; something in front must encrypt.",
  },
  {
    name: "access-log",
    type: "text",
    value: "FILE",
    description: "Add a line of JSON to FILE for each request.",
  },
  { name: "connections", type: "count", value: "N", description: "Keep at most N connections. Default 1024." },
  {
    name: "rate",
    type: "count",
    value: "N",
    description: "Answer at most N requests a second of one address that is not of this machine. Default 500.",
  },
  {
    name: "stall-timeout",
    type: "duration",
    value: "TIME",
    description: "Cut off a client that takes nothing for so long (30s, 5m, 1h). Default 5m.",
  },
  {
    name: "trust-proxy",
    type: "text",
    value: "ADDRESS",
    repeatable: true,
    description: "Believe X-Forwarded-For, -Proto and -Prefix, or Forwarded, of this address or network (10.0.0.0/8).",
  },
] as const satisfies readonly OptionRow[];

/**
 * What those options ask of the engine.
 *
 * @param text - the SNAPSHOT[:PATH] that is served; undefined: all snapshots
 * @throws {HoldfastError} invalid: it is no reference
 */
export function servingRequest(
  options: OptionValues<typeof servingOptions>,
  text: string | undefined,
): Omit<MountRequest, "listeners" | "linkToken"> {
  return {
    reference: text === undefined ? undefined : parsePathReference(text),
    accessFile: options.access,
    certFile: options.cert,
    keyFile: options.key,
    isPlainAllowed: options["insecure-plain"],
    accessLogFile: options["access-log"],
    connections: options.connections,
    requestsPerSecond: options.rate,
    stallMs: options["stall-timeout"],
    trustedProxies: options["trust-proxy"],
  };
}
