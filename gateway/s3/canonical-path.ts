import { encodePathPart } from "#gateway/paths/encode-path.ts";

/**
 * A path as it is signed: each byte escaped once that is not unreserved, escaped slashes left escaped. Undefined: an escape is broken.
 *
 * @param written - the path of a URL, escapes and all
 */
export function canonicalPath(written: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(written)) return undefined;
  const parts = Buffer.from(written, "utf8").toString("latin1").split("/");
  return parts.map((part) => encodePathPart(part.replaceAll(/%([0-9a-f]{2})/gi, decode))).join("/");
}

function decode(_: string, hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16));
}
