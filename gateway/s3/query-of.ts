/** Parameters that are read of one query. */
const parametersMax = 64;

/**
 * The parameters of a URL's query as binary strings (one char per byte), in the order they are written. Undefined: an escape is broken, or
 * they are too many.
 */
export function queryOf(url: string): readonly (readonly [name: string, value: string])[] | undefined {
  const query = /^[^?#]*\?([^#]*)/.exec(url)?.[1] ?? "";
  if (query === "") return [];
  const written = query.split("&", parametersMax + 1);
  if (written.length > parametersMax || /%(?![0-9a-f]{2})/i.test(query)) return undefined;
  return written
    .filter((each) => each !== "")
    .map((each) => {
      const equals = each.indexOf("=");
      return equals < 0 ? [decode(each), ""] : [decode(each.slice(0, equals)), decode(each.slice(equals + 1))];
    });
}

function decode(written: string): string {
  const bytes = Buffer.from(written, "utf8").toString("latin1").replaceAll("+", " ");
  return bytes.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
