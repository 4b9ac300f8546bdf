import type { ContentRange } from "#shared/view/view.ts";

/** Ranges that one request may ask for. */
const rangesMax = 32;

/**
 * The ranges of a `Range` header for content of `sizeBytes`, in the order asked for.
 *
 * Undefined: the header is to be ignored (another unit, bad syntax, too many ranges, or ranges that overlap so that they come to more than the
 * whole). Empty: none of them can be satisfied (416).
 *
 * @see RFC 9110, 14.1.2 and 14.2
 */
export function parseRange(header: string | undefined, sizeBytes: number): readonly ContentRange[] | undefined {
  const set = /^\s*bytes\s*=\s*(.*)$/i.exec(header ?? "")?.[1];
  if (set === undefined) return undefined;
  const specs = set.split(",").map((spec) => spec.trim());
  if (specs.length > rangesMax) return undefined;
  const ranges: ContentRange[] = [];
  let asked = 0;
  for (const spec of specs) {
    if (spec === "") continue;
    const [, first, last] = /^(\d*)\s*-\s*(\d*)$/.exec(spec) ?? [];
    if (first === undefined || last === undefined || (first === "" && last === "")) return undefined;
    asked++;
    const range = first === "" ? suffix(Number(last), sizeBytes) : fromFirst(Number(first), last, sizeBytes);
    if (range === undefined) return undefined;
    if (range.start < range.end) ranges.push(range);
  }
  if (asked === 0) return undefined;
  if (ranges.length > 1 && ranges.reduce((sum, range) => sum + range.end - range.start, 0) > sizeBytes)
    return undefined;
  return ranges;
}

function suffix(lengthBytes: number, sizeBytes: number): ContentRange {
  return { start: Math.max(0, sizeBytes - lengthBytes), end: sizeBytes };
}

function fromFirst(first: number, last: string, sizeBytes: number): ContentRange | undefined {
  if (last !== "" && Number(last) < first) return undefined;
  if (first >= sizeBytes) return { start: sizeBytes, end: sizeBytes };
  return { start: first, end: last === "" ? sizeBytes : Math.min(sizeBytes, Number(last) + 1) };
}
