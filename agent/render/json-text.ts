import { displayName, utf8Name } from "./display-name.ts";
import type { JsonRecord } from "./renderer.ts";

/** Characters that JSON may carry raw, and that a terminal or an eye should not meet raw. */
const risky = /[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\u061c\ufeff]/g;

/** One line of JSON, without newline. Controls, direction marks and invisible characters are `\u` escapes. */
export function jsonText(record: JsonRecord): string {
  return JSON.stringify(record).replace(risky, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/**
 * The members that carry a name given as a binary string: `{ [key]: name }` when its bytes are valid UTF-8, else the
 * display form there and the exact bytes in `[key]Base64`.
 */
export function jsonName(key: string, binary: string): JsonRecord {
  const name = utf8Name(binary);
  if (name !== undefined) return { [key]: name };
  return { [key]: displayName(binary), [`${key}Base64`]: Buffer.from(binary, "latin1").toString("base64") };
}
