import { isUtf8 } from "node:buffer";

/** Controls, direction marks and overrides, invisible and line-breaking characters. */
const unshowable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\u115f\u1160\u3164\uffa0]/gu;

/**
 * A name or path (a binary string) as text for people: UTF-8 where it is valid, else every byte beyond ASCII as `\xff`; what would
 * not be seen, or would mislead the eye, as `\u{202e}`.
 */
export function showName(binary: string): string {
  const bytes = Buffer.from(binary, "latin1");
  const text = isUtf8(bytes)
    ? bytes.toString("utf8")
    : binary.replaceAll(/[\x80-\xff]/g, (char) => `\\x${char.charCodeAt(0).toString(16)}`);
  return text.replaceAll(unshowable, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Text inside HTML, in attributes too. */
export function escapeHtml(text: string): string {
  return text.replaceAll(
    /[&<>"']/g,
    (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[char] ?? char,
  );
}
