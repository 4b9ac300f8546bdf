import { HoldfastError } from "#shared/errors.ts";
import type { XmlElement } from "./xml-element.ts";
import { parseXml } from "./parse-xml.ts";

/** The name of a property: a namespace ("" for none) and a name in it. */
export type PropertyName = { readonly namespace: string; readonly name: string };

/** What a PROPFIND asks of each resource: all properties, their names, or those named. */
export type PropfindRequest =
  | { readonly kind: "all" }
  | { readonly kind: "names" }
  | { readonly kind: "some"; readonly names: readonly PropertyName[] };

/** Bytes of a body that are read. */
export const bodyBytesMax = 64 * 1024;

/**
 * Reads what a PROPFIND asks. No body asks for all.
 *
 * @throws {HoldfastError} invalid: it is no such request, or larger than `bodyBytesMax`
 * @see RFC 4918, 14.20
 */
export async function readPropfindRequest(request: Request): Promise<PropfindRequest> {
  const root = await readXml(request);
  if (root === undefined) return { kind: "all" };
  if (!isDav(root, "propfind"))
    throw new HoldfastError("invalid", "Cannot answer: the XML of the request is no propfind");
  const asked = root.children.filter(
    (child) => isDav(child, "prop") || isDav(child, "allprop") || isDav(child, "propname"),
  );
  const [only] = asked;
  if (only === undefined || asked.length > 1) {
    throw new HoldfastError("invalid", "Cannot answer: a propfind has one of prop, allprop and propname");
  }
  if (only.name === "allprop") return { kind: "all" };
  if (only.name === "propname") return { kind: "names" };
  const names = new Map<string, PropertyName>();
  for (const { namespace, name } of only.children) names.set(`${namespace} ${name}`, { namespace, name });
  return { kind: "some", names: [...names.values()] };
}

function isDav(element: XmlElement, name: string): boolean {
  return element.namespace === "DAV:" && element.name === name;
}

/** Undefined: there is no body. */
async function readXml({ body, headers }: Request): Promise<XmlElement | undefined> {
  if (body === null) return undefined;
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  // Leaving the loop cancels the body: no more of it is read.
  for await (const part of body) {
    sizeBytes += part.byteLength;
    if (sizeBytes > bodyBytesMax)
      throw new HoldfastError("invalid", `Cannot read a body of more than ${bodyBytesMax} bytes`);
    parts.push(part);
  }
  if (sizeBytes === 0) return undefined;
  if ((headers.get("content-encoding") ?? "identity") !== "identity") {
    throw new HoldfastError("invalid", "Cannot read a compressed body");
  }
  return parseXml(decode(Buffer.concat(parts)));
}

function decode(bytes: Buffer): string {
  const isWide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const encoding = !isWide ? "utf-8" : bytes[0] === 0xff ? "utf-16le" : "utf-16be";
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new HoldfastError("invalid", "Cannot read the XML of the request: it is neither UTF-8 nor UTF-16");
  }
}
