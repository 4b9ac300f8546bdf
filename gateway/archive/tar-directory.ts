import type { View, ViewEntry } from "#shared/view/view.ts";
import { archiveEntries, MissingEntries, missingName } from "./archive-entries.ts";
import { padding, tarBlockBytes, tarHeader, tarHeaderOf } from "./tar-header.ts";

/** Files with several names that are remembered; of those that come later each name gets the content. */
const linksMax = 100_000;

/**
 * A directory and all below it as a tar of the pax format: owners, modes, times to the nanosecond, symbolic and hard links, devices,
 * extended attributes, names of any bytes. Holes become zeros. Streams; holds a chunk, and a path for each file with several names.
 *
 * @param top - the name of the directory in the archive
 */
export async function* tarDirectory(view: View, directory: ViewEntry, top: string): AsyncGenerator<Uint8Array> {
  const missing = new MissingEntries();
  const firstPaths = new Map<string, string>();
  for await (const { entry, path } of archiveEntries(view, directory, top)) {
    const header = tarHeaderOf(entry, path);
    if (header === undefined) {
      missing.add(path, "is a socket");
      continue;
    }
    if (entry.type === "file" && entry.error !== undefined) {
      missing.add(path, entry.error);
      continue;
    }
    const first = entry.linkId === undefined ? undefined : firstPaths.get(entry.linkId);
    if (first !== undefined) {
      yield tarHeader({ ...header, kind: "link", target: first, sizeBytes: 0, xattrs: undefined });
      continue;
    }
    yield tarHeader(header);
    if (entry.linkId !== undefined && firstPaths.size < linksMax) firstPaths.set(entry.linkId, path);
    if (entry.type !== "file") continue;
    yield* view.open(entry);
    yield padding(entry.sizeBytes);
  }
  const { content } = missing;
  if (content !== undefined) {
    yield tarHeader({
      path: `${top}/${missingName}`,
      kind: "file",
      mode: 0o644,
      uid: 0,
      gid: 0,
      sizeBytes: content.byteLength,
      mtimeSec: directory.mtimeSec,
      mtimeNsec: 0,
    });
    yield content;
    yield padding(content.byteLength);
  }
  yield new Uint8Array(2 * tarBlockBytes);
}
