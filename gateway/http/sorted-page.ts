import { type DirectoryPage, directoryPage } from "./directory-page.ts";
import { listedEntries } from "./listed-entries.ts";
import { sorting } from "./sorting.ts";
import type { View } from "#shared/view/view.ts";

/** Bytes of sorted pages that wait for clients to take them, at most. */
const waitingBytesMax = 64 * 1024 * 1024;

let waitingBytes = 0;

/**
 * The page of a directory in an order other than by name. It is written whole before it is sent, so that its entries need not be kept for a
 * slow client. While more than `limitBytes` would wait for clients, it comes by name, and says so.
 */
export async function sortedPage(
  view: View,
  page: Omit<DirectoryPage, "listed">,
  limitBytes = waitingBytesMax,
): Promise<AsyncIterable<Uint8Array>> {
  const { directory, query } = page;
  const written = await sorting(async () => {
    const listed = await listedEntries(view, directory.path, query);
    if (!listed.isSorted) return undefined;
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const part of directoryPage({ ...page, listed })) {
      parts.push(part);
      bytes += part.byteLength;
    }
    return { parts, bytes };
  });
  if (written === undefined || waitingBytes + written.bytes > limitBytes) {
    const { after, limit } = query;
    const entries = view.list(directory.path, { after, limit: limit + 1 });
    return directoryPage({ ...page, listed: { entries, isSorted: false } });
  }
  return sent(written.parts, written.bytes);
}

async function* sent(parts: readonly Uint8Array[], bytes: number): AsyncGenerator<Uint8Array> {
  waitingBytes += bytes;
  try {
    yield* parts;
  } finally {
    waitingBytes -= bytes;
  }
}
