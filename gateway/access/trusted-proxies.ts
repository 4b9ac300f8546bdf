import { BlockList, isIP } from "node:net";
import { HoldfastError } from "#shared/errors.ts";

/** What a proxy tells of the request that it passes on. */
export type Forwarded = {
  /** The address of the client; of the peer, where nobody whom the user trusts tells another. */
  readonly address: string | undefined;
  /** Whether it came over TLS; undefined: nobody tells. */
  readonly isSecure: boolean | undefined;
  /** What stands before the gateway's paths where the client sees them: "" or "/backup". */
  readonly prefix: string;
  /** Whether the peer is a proxy, so that its connections are not those of a client. */
  readonly isProxied: boolean;
};

/** Hops of one request that are looked at, and characters of a prefix. */
const hopsMax = 32;
const prefixMax = 1024;

/** The proxies that the user trusts to tell of clients. What anybody else says of others is not listened to. */
export class TrustedProxies {
  readonly #list = new BlockList();
  readonly #isEmpty: boolean;

  /**
   * @param places - addresses, and networks as `10.0.0.0/8`
   * @throws {HoldfastError} invalid: one is neither
   */
  constructor(places: readonly string[]) {
    this.#isEmpty = places.length === 0;
    for (const place of places) this.#add(place);
  }

  /** Whether that address is one of them. */
  has(address: string | undefined): boolean {
    if (this.#isEmpty || address === undefined) return false;
    const plain = plainAddress(address);
    const family = isIP(plain);
    return family !== 0 && this.#list.check(plain, family === 4 ? "ipv4" : "ipv6");
  }

  /** What is known of a request that came from `peer` with these headers. */
  told(peer: string | undefined, headers: Headers): Forwarded {
    if (!this.has(peer)) return { address: peer, isSecure: undefined, prefix: "", isProxied: false };
    const standard = forwardedFields(headers.get("forwarded"));
    const hops = listOf(headers.get("x-forwarded-for")) ?? standard.hops;
    const scheme = listOf(headers.get("x-forwarded-proto"))?.at(-1) ?? standard.scheme;
    return {
      address: this.#client(hops) ?? peer,
      isSecure: scheme === undefined ? undefined : scheme.toLowerCase() === "https",
      prefix: readPrefix(headers.get("x-forwarded-prefix")),
      isProxied: true,
    };
  }

  /** The last hop that is none of the proxies: what stands before it anybody may have written. */
  #client(hops: readonly string[]): string | undefined {
    let found: string | undefined;
    for (const hop of hops.slice(-hopsMax).toReversed()) {
      const address = plainAddress(hop);
      if (isIP(address) === 0) return found;
      found = address;
      if (!this.has(address)) return found;
    }
    return found;
  }

  #add(place: string): void {
    const [, address = "", bits] = /^\[?([^/\]]+)\]?(?:\/(\d{1,3}))?$/.exec(place.trim()) ?? [];
    const family = isIP(address);
    const bitsMax = family === 4 ? 32 : 128;
    const bitsGiven = bits === undefined ? bitsMax : Number(bits);
    if (family === 0 || bitsGiven > bitsMax) {
      throw new HoldfastError(
        "invalid",
        `Cannot trust the proxy ${JSON.stringify(place)}: it is no address or network`,
        {
          hint: "Give an address as 10.0.0.1 or fd00::1, or a network as 10.0.0.0/8.",
        },
      );
    }
    this.#list.addSubnet(address, bitsGiven, family === 4 ? "ipv4" : "ipv6");
  }
}

/** An address without port, brackets and zone; of IPv4 in IPv6 the former. */
function plainAddress(written: string): string {
  const text = written.trim().replaceAll(/^"|"$/g, "");
  const inside = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text;
  return inside.replace(/%.*$/s, "").replace(/^::ffff:(?=\d+\.)/i, "");
}

function listOf(header: string | null): string[] | undefined {
  return header === null ? undefined : header.split(",").map((each) => each.trim());
}

/** `for` of every hop, and `proto` of the last. @see RFC 7239 */
function forwardedFields(header: string | null): { hops: string[]; scheme: string | undefined } {
  const hops: string[] = [];
  let scheme: string | undefined;
  for (const element of listOf(header) ?? []) {
    for (const pair of element.split(";")) {
      const [, name = "", value = ""] = /^\s*(for|proto)\s*=\s*("[^"]*"|[^\s;,]*)\s*$/i.exec(pair) ?? [];
      const plain = value.replaceAll(/^"|"$/g, "");
      if (name.toLowerCase() === "for") hops.push(plain);
      if (name.toLowerCase() === "proto") scheme = plain;
    }
  }
  return { hops, scheme };
}

/** A path without a closing slash; "" where it is none that could stand in a header or a page. */
function readPrefix(written: string | null): string {
  const path = (listOf(written)?.[0] ?? "").replace(/\/+$/, "");
  const isPath = path.length <= prefixMax && /^(?:\/[\w.~!$&'()*+,;=:@%-]+)+$/.test(path);
  return isPath && !/\/\.{1,2}(?:\/|$)/.test(path) ? path : "";
}
