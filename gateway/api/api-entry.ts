import type { ViewEntry } from "#shared/view/view.ts";
import { encodePath } from "#gateway/paths/encode-path.ts";
import { showName } from "#gateway/paths/show-name.ts";
import { integer, nullable, number, object, text, type ValueOf, word } from "./schema.ts";

/** An entry as the API tells of it. Paths are for links: bytes as `%XX`. Names are for people, made harmless. */
export const apiEntrySchema = object({
  path: text("Absolute, every byte that is not unreserved as %XX: fit for links and for parameters as it is."),
  name: text("For people: invisible and misleading characters are written out."),
  type: word(["directory", "file", "symlink", "fifo", "socket", "characterDevice", "blockDevice"], "What it is."),
  sizeBytes: integer("Bytes of content; 0 of all but files."),
  mtimeMs: number("Last change of the content, milliseconds since 1970 UTC."),
  mode: integer("Permission bits."),
  owner: text("Name or number."),
  group: text("Name or number."),
  target: nullable(text("Where a symbolic link leads.")),
  tag: nullable(text("Equal for files of equal content.")),
  error: nullable(text("Why the backup could not read it.")),
});

/** An entry as the API tells of it. */
export type ApiEntry = ValueOf<typeof apiEntrySchema>;

/** Tells of an entry. */
export function apiEntry(entry: ViewEntry): ApiEntry {
  return {
    path: encodePath(entry.path),
    name: showName(entry.name),
    type: entry.type,
    sizeBytes: entry.sizeBytes,
    mtimeMs: entry.mtimeSec * 1000 + Math.floor(entry.mtimeNsec / 1_000_000),
    mode: entry.mode,
    owner: entry.user === undefined ? String(entry.uid) : showName(binary(entry.user)),
    group: entry.group === undefined ? String(entry.gid) : showName(binary(entry.group)),
    target: entry.target === undefined ? null : showName(entry.target),
    tag: entry.contentTag ?? null,
    error: entry.error === undefined ? null : showName(entry.error),
  };
}

/** Text as the bytes of its UTF-8, one char each. */
export function binary(content: string): string {
  return Buffer.from(content, "utf8").toString("latin1");
}
