import { isUtf8 } from "node:buffer";

/** Controls, direction marks and overrides, invisible and line-breaking characters. */
const unshowable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\u115f\u1160\u3164\uffa0]/u;
/** Signs before numbers that are seen, though they are format characters. */
const visible = /[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}]/u;
/** Letters that take another shape next to a joiner. */
const shaped =
  /[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Nko}\p{Script=Mongolian}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}]/u;
/** What a joiner, and the tags of a flag, may stand after and before, so that the eye sees what they do. */
const joined = new RegExp(
  [
    `(?<=${shaped.source})[\\u200c\\u200d](?=${shaped.source})`,
    String.raw`(?<=[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca])\u200d`,
    String.raw`(?<=[\p{Extended_Pictographic}\u{1f3fb}-\u{1f3ff}]\ufe0f?)\u200d(?=\p{Extended_Pictographic})`,
    String.raw`(?<=\u{1f3f4}[\u{e0061}-\u{e007a}\u{e0030}-\u{e0039}]{0,8})[\u{e0061}-\u{e007a}\u{e0030}-\u{e0039}\u{e007f}]`,
  ].join("|"),
  "u",
);
const escapedOrKept = new RegExp(`${visible.source}|${joined.source}|(${unshowable.source})`, "gu");

/**
 * A name or path (a binary string) as text for people: UTF-8 where it is valid, else every byte beyond ASCII as `\xff`; what would
 * not be seen, or would mislead the eye, as `\u{202e}`. Joiners stay where they shape letters or emoji.
 */
export function showName(binary: string): string {
  const bytes = Buffer.from(binary, "latin1");
  const text = isUtf8(bytes)
    ? bytes.toString("utf8")
    : binary.replaceAll(/[\x80-\xff]/g, (char) => `\\x${char.charCodeAt(0).toString(16)}`);
  return text.replaceAll(escapedOrKept, (char, misleading: string | undefined) =>
    misleading === undefined ? char : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** Text inside HTML, in attributes too. */
export function escapeHtml(text: string): string {
  return text.replaceAll(
    /[&<>"']/g,
    (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[char] ?? char,
  );
}
