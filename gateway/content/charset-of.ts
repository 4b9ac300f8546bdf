import { isUtf8 } from "node:buffer";
import type { View, ViewEntry } from "#shared/view/view.ts";

/** Bytes of a text that are looked at. */
const sampleBytes = 64 * 1024;

/**
 * What is to be added to the type of a text for people: that it is UTF-8, where its beginning is. Of others nothing is said, so that browsers
 * find out; HTML, XML and the like say it themselves.
 */
export async function charsetOf(view: Pick<View, "open">, entry: ViewEntry, type: string): Promise<string> {
  if (!/^text\/(?!html|xml)/.test(type)) return "";
  const end = Math.min(sampleBytes, entry.sizeBytes);
  const parts: Uint8Array[] = [];
  try {
    for await (const part of view.open(entry, { start: 0, end })) parts.push(part);
  } catch {
    return ""; // whoever reads the content is told
  }
  const sample = Buffer.concat(parts);
  // The last character may be cut.
  const cuts = end < entry.sizeBytes ? [0, 1, 2, 3] : [0];
  return cuts.some((cut) => isUtf8(sample.subarray(0, sample.byteLength - cut))) ? "; charset=utf-8" : "";
}
