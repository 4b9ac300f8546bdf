import type { Entry } from "#shared/format/entry.ts";
import { relativeTo } from "#shared/snapshot/snapshot-tree.ts";
import { subtreeTotals } from "#shared/tree/read-tree.ts";
import { contentType } from "#gateway/content/content-type.ts";
import { encodePath } from "#gateway/paths/encode-path.ts";
import { showName } from "#gateway/paths/show-name.ts";
import { apiEntry, apiEntrySchema } from "./api-entry.ts";
import { answeringRoute } from "./api-route.ts";
import { apiSnapshot, apiSnapshotSchema, splitPath } from "./api-snapshot.ts";
import { pathField } from "./query-field.ts";
import { flag, integer, list, nullable, number, object, text } from "./schema.ts";

const totalsSchema = object({ entries: integer("Paths below it."), bytes: integer("Sum of the sizes of the files.") });
const detailsSchema = object({
  uid: integer("Number of the owner."),
  gid: integer("Number of the group."),
  linkCount: integer("Paths that the file had."),
  inode: text("Inode number."),
  ctimeMs: number("Last change of the inode, milliseconds since 1970 UTC."),
  btimeMs: nullable(number("Birth, milliseconds since 1970 UTC.")),
  isSparse: flag("Whether it has holes."),
  hasChanged: flag("Whether it changed while it was read."),
  attributes: list(
    object({ name: text("Its name, for people."), sizeBytes: integer("Bytes of its value.") }),
    "Extended attributes.",
  ),
});

/** What it answers. */
export const getEntryAnswer = object({
  entry: apiEntrySchema,
  trail: list(
    object({ path: text("As paths of entries are written."), name: text("For people.") }),
    "The directories that lead to it, from the top, and itself.",
  ),
  snapshot: nullable(apiSnapshotSchema),
  details: nullable(detailsSchema),
  totals: nullable(totalsSchema),
  leadsTo: nullable(text("Of a symbolic link: the path where it ends, as far as that is shown.")),
  mediaType: text("The type of content by the name; empty of all but files."),
});

/** GET api/entry */
export const getEntry = answeringRoute({
  name: "entry",
  summary: "What is known of one path.",
  description: "A symbolic link is told of itself, and not followed.",
  query: { path: pathField("The path.") },
  answer: getEntryAnswer,
  async run({ path }, { view, mount }) {
    const entry = await view.stat(path);
    const parts = path === "/" ? [] : path.slice(1).split("/");
    const trail = parts.map((name, index) => ({
      path: apiEntry({ ...entry, path: `/${parts.slice(0, index + 1).join("/")}` }).path,
      name: showName(name),
    }));
    const end = entry.type === "symlink" ? await view.follow(path) : undefined;
    const leadsTo = end === undefined ? null : encodePath(end.path);
    const told = {
      entry: apiEntry(entry),
      trail,
      leadsTo,
      mediaType: entry.type === "file" ? contentType(entry.name) : "",
    };
    if (path === "/" && mount.kind === "store") return { ...told, snapshot: null, details: null, totals: null };
    const { place, tree, summary, showsAll } = await view.locate(path);
    const isDirectory = entry.type === "directory" && place.source !== undefined && showsAll;
    const totals = isDirectory
      ? await subtreeTotals(place.source.tree, tree.readNode, relativeTo(place.source.root, place.path))
      : undefined;
    return {
      ...told,
      snapshot: apiSnapshot(splitPath(mount, path).top, summary),
      details: place.source === undefined ? null : detailsOf(place.entry),
      totals: totals === undefined ? null : { entries: totals.entries, bytes: totals.totalBytes },
    };
  },
});

function detailsOf(entry: Entry) {
  return {
    uid: entry.uid,
    gid: entry.gid,
    linkCount: entry.nlink,
    inode: (BigInt(entry.inodeHi) * 2n ** 32n + BigInt(entry.inodeLo)).toString(),
    ctimeMs: entry.ctimeSec * 1000 + Math.floor(entry.ctimeNsec / 1e6),
    btimeMs:
      entry.btimeSec === 0 && entry.btimeNsec === 0 ? null : entry.btimeSec * 1000 + Math.floor(entry.btimeNsec / 1e6),
    isSparse: entry.extents !== undefined,
    hasChanged: entry.changed,
    attributes: (entry.xattrs ?? []).map(([name, value]) => ({ name: showName(name), sizeBytes: value.byteLength })),
  };
}
