import { type DirectoryPage, directoryPage } from "./directory-page.ts";
import { listedByName, sortedEntries } from "./listed-entries.ts";
import { sorting } from "./sorting.ts";
import type { View } from "#shared/view/view.ts";

/** Bytes of sorted pages that wait for clients to take them, at most. */
const waitingBytesMax = 64 * 1024 * 1024;

let waitingBytes = 0;

/**
 * The page of a directory in the order that is asked for. In an order other than by name it is written whole before it is sent, so that its
 * entries need not be kept for a slow client. While more than `limitBytes` of such pages would wait for clients, it comes by name, and says so.
 */
export async function sortedPage(
  view: View,
  page: Omit<DirectoryPage, "listed">,
  limitBytes = waitingBytesMax,
): Promise<AsyncIterable<Uint8Array>> {
  const { directory, query } = page;
  const { sort, descending } = query;
  const written =
    sort === "name"
      ? undefined
      : await sorting(async () => {
          const entries = await sortedEntries(view, directory.path, { sort, descending });
          return entries === undefined
            ? undefined
            : write(directoryPage({ ...page, listed: { entries, isSorted: true } }));
        });
  if (written === undefined || waitingBytes + written.bytes > limitBytes)
    return directoryPage({ ...page, listed: listedByName(view, directory.path, query) });
  return sent(written.parts, written.bytes);
}

async function write(page: AsyncIterable<Uint8Array>) {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of page) {
    parts.push(part);
    bytes += part.byteLength;
  }
  return { parts, bytes };
}

async function* sent(parts: readonly Uint8Array[], bytes: number): AsyncGenerator<Uint8Array> {
  waitingBytes += bytes;
  try {
    yield* parts;
  } finally {
    waitingBytes -= bytes;
  }
}
