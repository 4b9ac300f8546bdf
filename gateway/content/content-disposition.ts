import { isUtf8 } from "node:buffer";
import { encodePathPart } from "#gateway/paths/encode-path.ts";

/**
 * `Content-Disposition` for a name (a binary string): an ASCII name for old clients, and the exact one (RFC 6266, RFC 8187) where it is
 * UTF-8. No byte of the name can end the header.
 */
export function contentDisposition(kind: "inline" | "attachment", name: string): string {
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\%/]/g, "_");
  const exact = isUtf8(Buffer.from(name, "latin1"))
    ? `; filename*=UTF-8''${encodePathPart(name).replaceAll("'", "%27")}`
    : "";
  return `${kind}; filename="${plain}"${plain === name ? "" : exact}`;
}
