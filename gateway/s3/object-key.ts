/** Characters of UTF-8 in a binary string that stand for themselves: all but U+10FF80 to U+10FFFF. */
const plain =
  /[\0-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4(?:[\x80-\x8e][\x80-\xbf]|\x8f[\x80-\xbd])[\x80-\xbf]/;
const parts = new RegExp(`(${plain.source})|[^]`, "g");
const beyondAscii = /[\x80-\xff]/;
const stoodFor = /\xf4\x8f([\xbe\xbf])([\x80-\xbf])/g;

/**
 * A name or path (a binary string) as a part of a key, which is UTF-8 (as a binary string too).
 *
 * A name that is UTF-8 is its own key. Of others each byte b that is not part of a character stands as the character U+10FF00 + b; these
 * characters, the last ones of the last private plane, are taken byte by byte where a name really has them. So no two names have the
 * same key, and a name that is no UTF-8 comes after all that begin like it.
 */
export function encodeKey(name: string): string {
  if (!beyondAscii.test(name)) return name;
  return name.replaceAll(parts, (char, valid: string | undefined) =>
    valid === undefined ? standIn(char.charCodeAt(0)) : valid,
  );
}

/** The name or path of such a key; undefined: it is the key of none. */
export function decodeKey(key: string): string | undefined {
  if (!beyondAscii.test(key)) return key;
  const name = key.replaceAll(stoodFor, (_, high: string, low: string) =>
    String.fromCharCode((high === "\xbe" ? 0x80 : 0xc0) | (low.charCodeAt(0) & 0x3f)),
  );
  return encodeKey(name) === key ? name : undefined;
}

// oxlint-disable-next-line no-control-regex
const notInXml = /[\0-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]/g;
const controlStoodFor = /\xf4\x8f\xbc([\x80-\x9f])/g;
const nonCharacterStoodFor = /\xf4\x8f\xbf\xaf\xf4\x8f\xbe\xbf\xf4\x8f\xbe([\xbe\xbf])/g;

/**
 * A key as clients get it that ask for no encoding and would otherwise read no listing at all: characters that XML 1.0 has no place for
 * (controls, U+FFFE, U+FFFF) stand byte by byte as U+10FF00 + byte.
 */
export function keyInXml(key: string): string {
  return key.replaceAll(notInXml, (bytes) => Array.from(bytes, (byte) => standIn(byte.charCodeAt(0))).join(""));
}

/** The key that such a client means. */
export function keyFromXml(key: string): string {
  return key
    .replaceAll(controlStoodFor, (_, low: string) => String.fromCharCode(low.charCodeAt(0) & 0x3f))
    .replaceAll(nonCharacterStoodFor, "\xef\xbf$1");
}

/** What stands in a key for a byte. */
function standIn(byte: number): string {
  return `\xf4\x8f${String.fromCharCode(0xbc | (byte >> 6), 0x80 | (byte & 0x3f))}`;
}

/** The first of the characters that stand for bytes. */
export const firstStandIn: string = standIn(0x80);

/** Where the first byte of a name stands that is not part of a character; undefined: the name is its own key. */
export function firstOddByte(name: string): number | undefined {
  if (!beyondAscii.test(name)) return undefined;
  for (const { 1: valid, index } of name.matchAll(parts)) if (valid === undefined) return index;
  return undefined;
}
