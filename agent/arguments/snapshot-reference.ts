import { parseDisplayName } from "#agent/render/display-name.ts";
import { HoldfastError } from "#shared/errors.ts";

/** The snapshots that `latest` counts: of a host (undefined: see `findLatest`), of a name, with all of the tags. */
export type SnapshotLine = {
  readonly host: string | undefined;
  readonly name: string | undefined;
  readonly tags: readonly string[];
};

/**
 * Which snapshot a person means: by the beginning of its id, or counted back from the newest (0 is the newest), of a line where one is
 * given.
 */
export type SnapshotReference =
  | { readonly by: "prefix"; readonly prefix: string }
  | { readonly by: "age"; readonly back: number; readonly line?: SnapshotLine };

/** A snapshot, and maybe a path in it. `path` is a binary string (one character per byte) without a closing slash. */
export type PathReference = { readonly snapshot: SnapshotReference; readonly path: string | undefined };

/** The fewest hex digits that a prefix needs. */
export const prefixDigitsMin = 4;

/**
 * Reads `latest`, `latest~2`, `latest@HOST`, `latest~2@HOST` (or `latest@HOST~2`), or a prefix of at least 4 hex digits.
 *
 * @throws {HoldfastError} invalid: none of these
 */
export function parseSnapshotReference(text: string): SnapshotReference {
  const latest = /^latest(?:~(?<back>\d{1,6}))?(?:@(?<host>.+))?$/s.exec(text)?.groups;
  const hostFirst = /^latest@(?<host>.+)~(?<back>\d{1,6})$/s.exec(text)?.groups;
  const { back, host } = hostFirst ?? latest ?? {};
  if (host !== undefined) return { by: "age", back: Number(back ?? 0), line: { host, name: undefined, tags: [] } };
  if (latest !== undefined) return { by: "age", back: Number(back ?? 0) };
  if (/^[0-9a-f]{4,64}$/i.test(text)) return { by: "prefix", prefix: text.toLowerCase() };
  throw new HoldfastError("invalid", `Cannot find a snapshot by "${text}": it is neither an id nor "latest"`, {
    hint: `Give at least ${prefixDigitsMin} hex digits of an id, "latest", "latest~2" for the third newest, or "latest@HOST" for that of another host.`,
  });
}

/**
 * Reads `SNAPSHOT` or `SNAPSHOT:PATH`; the first colon divides. The path is taken relative to the snapshot's root, with
 * or without a leading slash; empty parts and `.` are dropped. Escapes as `ls` prints them (`\xff`) stand for bytes.
 *
 * @throws {HoldfastError} invalid: no snapshot reference, or a path with `..` in it
 */
export function parsePathReference(text: string): PathReference {
  const colon = text.indexOf(":");
  if (colon < 0) return { snapshot: parseSnapshotReference(text), path: undefined };
  const parts = parseDisplayName(text.slice(colon + 1))
    .split("/")
    .filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) {
    throw new HoldfastError("invalid", `Cannot look up "${text}": ".." has no meaning inside a snapshot`);
  }
  return { snapshot: parseSnapshotReference(text.slice(0, colon)), path: `/${parts.join("/")}` };
}

/**
 * The same reference, counted among the snapshots of a line; as it is where the line names nothing.
 *
 * @throws {HoldfastError} invalid: the reference is an id, among which there is nothing to choose, or names another host
 */
export function ofLine(reference: SnapshotReference, line: SnapshotLine): SnapshotReference {
  if (line.host === undefined && line.name === undefined && line.tags.length === 0) return reference;
  if (reference.by === "age") {
    const named = reference.line?.host;
    if (named !== undefined && line.host !== undefined && named !== line.host) {
      throw new HoldfastError("invalid", `Cannot use --host ${line.host} with latest@${named}: they name two hosts`);
    }
    return { ...reference, line: { ...line, host: line.host ?? named } };
  }
  throw new HoldfastError("invalid", "Cannot use --host, --name or --tag with an id: they choose what `latest` means");
}

/** Writes a reference as a person would type it. */
export function formatSnapshotReference(reference: SnapshotReference): string {
  if (reference.by === "prefix") return reference.prefix;
  const host = reference.line?.host;
  return `latest${reference.back === 0 ? "" : `~${reference.back}`}${host === undefined ? "" : `@${host}`}`;
}
