/**
 * A binary path as people read it: its bytes as UTF-8, and every byte or character that is no readable text as an
 * escape (`\xff`, `\n`), so that a hostile name cannot drive a terminal.
 *
 * @param path - one char a byte
 */
export function displayPath(path: string): string {
  // eslint-disable-next-line no-control-regex
  if (!/[^\x20-\x7e]|\\/.test(path)) return path;
  const bytes = Buffer.from(path, "latin1");
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const length = utf8Length(bytes, at);
    const character = length === 0 ? "" : bytes.toString("utf8", at, at + length);
    if (length === 0 || /[\p{C}\\\u2028\u2029]/u.test(character)) {
      const end = at + Math.max(length, 1);
      for (; at < end; at++) text += escaped(bytes[at] ?? 0);
    } else {
      text += character;
      at += length;
    }
  }
  return text;
}

function escaped(byte: number): string {
  if (byte === 0x0a) return String.raw`\n`;
  if (byte === 0x09) return String.raw`\t`;
  if (byte === 0x5c) return "\\\\";
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}

/** Bytes of the well-formed UTF-8 character at `at`, or 0. */
function utf8Length(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length === 0 || (first >= 0x80 && first < 0xc2) || at + length > bytes.length) return 0;
  const character = bytes.toString("utf8", at, at + length);
  return character.includes("\ufffd") && !bytes.subarray(at, at + length).equals(Buffer.from("\ufffd")) ? 0 : length;
}
