import { createHash } from "node:crypto";
import type { ContentRange, View, ViewEntry } from "#shared/view/view.ts";

/** Bits of `st_mode` that say what a file is. */
const regularFile = 0o100000;
const directory = 0o040000;
const symbolicLink = 0o120000;
/** Milliseconds since 1970 of the last second that has a year of four digits. */
const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59);

/** A file, link or empty directory as an object. */
export type S3Object = {
  /** As a file with that size and tag: `contentResponse` takes it. */
  readonly entry: ViewEntry;
  readonly source: Pick<View, "open">;
  /** With its quotes. */
  readonly etag: string;
  readonly sizeBytes: number;
  /** Milliseconds since 1970, whole seconds, of a year that has four digits. */
  readonly modifiedMs: number;
  /** `x-amz-meta-…` by their names: mode, owner and times as s3fs and rclone have them. */
  readonly metadata: Readonly<Record<string, string>>;
};

/**
 * An entry as an object. A link is an object that holds its target, as s3fs has it, so that nothing goes in circles and nothing is there twice;
 * a directory is empty. Of special files there are none.
 *
 * The tag of a file is no MD5 and has the form of those that are none, so that clients do not compare it with one; that of a link is.
 */
export function s3Object(view: View, entry: ViewEntry): S3Object {
  const content = contentOf(entry);
  const tag =
    content === undefined ? `${entry.contentTag ?? "0".repeat(32)}-1` : createHash("md5").update(content).digest("hex");
  const sizeBytes = content === undefined ? entry.sizeBytes : content.byteLength;
  return {
    entry: { ...entry, type: "file", sizeBytes, contentTag: tag },
    source: content === undefined ? view : held(content),
    etag: `"${tag}"`,
    sizeBytes,
    modifiedMs: Math.max(0, Math.min(lastMs, entry.mtimeSec * 1000)),
    metadata: metadataOf(entry),
  };
}

/** The content of what has none in a snapshot; undefined: it is a file. */
function contentOf({ type, target }: ViewEntry): Buffer | undefined {
  if (type === "symlink") return Buffer.from(target ?? "", "latin1");
  return type === "directory" ? Buffer.alloc(0) : undefined;
}

function held(content: Buffer): Pick<View, "open"> {
  return {
    async *open(_entry, range: ContentRange = { start: 0, end: content.byteLength }) {
      yield content.subarray(range.start, range.end);
    },
  };
}

/** Numbers are decimal. s3fs reads the second of `mtime` and leaves what is behind the point, rclone reads all of it. */
function metadataOf(entry: ViewEntry): Record<string, string> {
  const kind = entry.type === "symlink" ? symbolicLink : entry.type === "directory" ? directory : regularFile;
  return {
    mode: String(kind | entry.mode),
    uid: String(entry.uid),
    gid: String(entry.gid),
    mtime: decimalTime(entry.mtimeSec, entry.mtimeNsec),
  };
}

/** Seconds with nine digits of nanoseconds where there are any. Nanoseconds count upwards, in times before 1970 too. */
function decimalTime(sec: number, nsec: number): string {
  if (nsec === 0) return String(sec);
  const isBefore = sec < 0;
  const whole = isBefore ? -sec - 1 : sec;
  const rest = isBefore ? 1_000_000_000 - nsec : nsec;
  return `${isBefore ? "-" : ""}${whole}.${String(Math.round(rest)).padStart(9, "0")}`;
}
