/**
 * Names from the file system are bytes, kept as binary strings (one character, U+0000 to U+00FF, per byte). For people
 * they are shown as UTF-8 where they are valid UTF-8, and escaped where they are not or where showing them would do
 * something to a terminal or mislead the eye. The display form is unambiguous: `parseDisplayName` gives the bytes back.
 */

/** Controls (C0, DEL, C1), direction marks and overrides, invisible and line-breaking characters, private and unassigned. */
const unshowable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\u115f\u1160\u3164\uffa0]/u;

const shortEscapes: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

/**
 * A binary string for a terminal or a log: printable UTF-8 as it is; bytes that are no UTF-8 and ASCII controls as
 * `\xff`, `\n`, `\t`, `\r`; other characters that must not be shown as `\u{202e}`; the backslash as `\\`.
 */
export function displayName(binary: string): string {
  if (/^[\x20-\x5b\x5d-\x7e]*$/.test(binary)) return binary;
  let shown = "";
  for (let index = 0; index < binary.length;) {
    const lengthBytes = utf8Length(binary, index);
    if (lengthBytes === 0) {
      shown += hexEscape(binary.charCodeAt(index));
      index += 1;
      continue;
    }
    const character = Buffer.from(binary.slice(index, index + lengthBytes), "latin1").toString("utf8");
    shown += showCharacter(character);
    index += lengthBytes;
  }
  return shown;
}

/** Text that is no name (messages of other programs, tags) for a terminal: like `displayName`, but the backslash stays. */
export function displayText(text: string): string {
  let shown = "";
  for (const character of text) shown += character === "\\" ? character : showCharacter(character);
  return shown;
}

/** The bytes, as a binary string, of a name in display form. Escapes that `displayName` never writes are left as text. */
export function parseDisplayName(shown: string): string {
  const escapes = /\\(?:x([0-9a-f]{2})|u\{([0-9a-f]{1,6})\}|([ntr\\]))/g;
  let binary = "";
  let end = 0;
  for (const match of shown.matchAll(escapes)) {
    binary += toBinary(shown.slice(end, match.index)) + unescape(match);
    end = match.index + match[0].length;
  }
  return binary + toBinary(shown.slice(end));
}

/** The name as a string when its bytes are valid UTF-8, else undefined. */
export function utf8Name(binary: string): string | undefined {
  for (let index = 0; index < binary.length;) {
    const lengthBytes = utf8Length(binary, index);
    if (lengthBytes === 0) return undefined;
    index += lengthBytes;
  }
  return Buffer.from(binary, "latin1").toString("utf8");
}

function toBinary(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

function unescape(match: RegExpExecArray): string {
  const [whole, hex, point, letter] = match;
  if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
  if (point !== undefined) {
    const code = Number.parseInt(point, 16);
    return toBinary(code <= 0x10ffff ? String.fromCodePoint(code) : whole);
  }
  return { n: "\n", t: "\t", r: "\r" }[letter!] ?? "\\";
}

function showCharacter(character: string): string {
  const short = shortEscapes[character];
  if (short !== undefined) return short;
  if (!unshowable.test(character)) return character;
  const code = character.codePointAt(0)!;
  return code < 0x80 ? hexEscape(code) : `\\u{${code.toString(16)}}`;
}

function hexEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}

/** The bytes of the UTF-8 character that begins at `index`; 0 when none does (RFC 3629: shortest form, no surrogates). */
function utf8Length(binary: string, index: number): number {
  const first = binary.charCodeAt(index);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const second = binary.charCodeAt(index + 1);
  const secondMin = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const secondMax = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (!(second >= secondMin && second <= secondMax)) return 0;
  const lengthBytes = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  for (let offset = 2; offset < lengthBytes; offset++) {
    const byte = binary.charCodeAt(index + offset);
    if (!(byte >= 0x80 && byte <= 0xbf)) return 0;
  }
  return lengthBytes;
}
