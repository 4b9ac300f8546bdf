import { HoldfastError } from "#shared/errors.ts";
import { type CborMap, decodeCborMap, encodeCbor } from "./cbor.ts";
import { type BlobId, idFromBytes, idToBytes, type StateId } from "./ids.ts";
import { type Entry, entryTypes } from "./entry.ts";
import { LeafWriter } from "./leaf-writer.ts";
import { decodeTreeNode } from "./tree-node.ts";
import { checkVersion, formatVersions } from "./version.ts";

/** The root of a tree. */
export type TreeRoot = {
  readonly nodeId: BlobId;
  /** 0 for a leaf. */
  readonly level: number;
  /** Entries in the tree, its root directory included. */
  readonly entries: number;
  /** Sum of the sizes of its files, each path counted, bytes. */
  readonly totalBytes: number;
};

/** One place that was backed up. */
export type SnapshotSource = {
  /** Kind of connector: "filesystem". */
  readonly type: string;
  /** Where it is: a host name. */
  readonly origin: string;
  /** Absolute path, one char per byte. */
  readonly root: string;
  readonly options: ReadonlyMap<string, string>;
  readonly tree: TreeRoot;
  /** Names of the numeric owners and groups that occur. */
  readonly userNames: ReadonlyMap<string, string>;
  readonly groupNames: ReadonlyMap<string, string>;
  /**
   * The directories that lead to the root, "/" first, their paths relative to "/"; undefined where nothing is known of them, as in snapshots of version 1,
   * and where the root is "/".
   */
  readonly parents?: readonly Entry[] | undefined;
};

/** What a snapshot is, beside its trees. Sealed under a session key; nothing of it shows without an owner's key. */
export type SnapshotHeader = {
  /** When the backup began, by the agent's clock, milliseconds since 1970 UTC. */
  readonly timeMs: number;
  readonly durationMs: number;
  readonly host: string;
  readonly user: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly program: string;
  readonly sources: readonly SnapshotSource[];
  readonly parent: StateId | undefined;
  /** Entries that could not be read or changed while they were read. */
  readonly errorCount: number;
  /** The list of those, a blob; undefined when there are none. */
  readonly errorList: BlobId | undefined;
  /** What kinds of metadata the agent could not capture, in words. */
  readonly lost: readonly string[];
};

/**
 * Of version 1 where no source tells of the directories that lead to it, so that older programs can read it; else of version 3.
 *
 * @see FORMAT.md, Snapshot header
 */
export function encodeSnapshotHeader(header: SnapshotHeader): Uint8Array {
  const hasParents = header.sources.some(({ parents }) => parents !== undefined);
  return encodeCbor({
    version: hasParents ? formatVersions.snapshot : 1,
    timeMs: header.timeMs,
    durationMs: header.durationMs,
    host: header.host,
    user: header.user,
    name: header.name,
    tags: header.tags,
    program: header.program,
    sources: header.sources.map((source) => ({
      type: source.type,
      origin: source.origin,
      root: new Uint8Array(Buffer.from(source.root, "latin1")),
      options: Object.fromEntries(source.options),
      tree: { ...source.tree, nodeId: idToBytes(source.tree.nodeId) },
      userNames: Object.fromEntries(source.userNames),
      groupNames: Object.fromEntries(source.groupNames),
      ...(hasParents ? { parents: source.parents === undefined ? null : encodeParents(source.parents) } : {}),
    })),
    parent: header.parent === undefined ? null : idToBytes(header.parent),
    errorCount: header.errorCount,
    errorList: header.errorList === undefined ? null : idToBytes(header.errorList),
    lost: header.lost,
  });
}

/** @throws {HoldfastError} corrupt or incompatible */
export function decodeSnapshotHeader(bytes: Uint8Array, subject: string): SnapshotHeader {
  const map = decodeCborMap(bytes, subject);
  const version = map.integer("version");
  checkVersion("snapshot", version, subject);
  // Nobody ever wrote it, and vectors say that it is refused.
  if (version === 2) throw new HoldfastError("incompatible", `Cannot read ${subject}: there is no version 2 of it`);
  const header: SnapshotHeader = {
    timeMs: map.integer("timeMs"),
    durationMs: map.integer("durationMs"),
    host: map.text("host"),
    user: map.text("user"),
    name: map.text("name"),
    tags: map.texts("tags"),
    program: map.text("program"),
    sources: map.maps("sources").map((each) => decodeSource(each, version)),
    parent: optionalId(map, "parent", "state"),
    errorCount: map.integer("errorCount"),
    errorList: optionalId(map, "errorList", "blob"),
    lost: map.texts("lost"),
  };
  map.end();
  return header;
}

function decodeSource(map: CborMap, version: number): SnapshotSource {
  const type = map.text("type");
  const origin = map.text("origin");
  const root = Buffer.from(map.bytes("root")).toString("latin1");
  if (!isAbsolutePath(root)) map.fail("root", "is not a plain absolute path");
  const options = map.textMap("options");
  const tree = map.map("tree");
  const source: SnapshotSource = {
    type,
    origin,
    root,
    options,
    tree: {
      nodeId: idFromBytes("blob", tree.bytes("nodeId", 32)),
      level: tree.integer("level", 0, 32),
      entries: tree.integer("entries"),
      totalBytes: tree.integer("totalBytes"),
    },
    userNames: map.textMap("userNames"),
    groupNames: map.textMap("groupNames"),
    ...(version === 1 ? {} : { parents: decodeParents(map, root) }),
  };
  tree.end();
  map.end();
  return source;
}

function encodeParents(parents: readonly Entry[]): Uint8Array {
  const writer = new LeafWriter();
  for (const entry of parents) writer.add(entry);
  return writer.finish();
}

/** The directories that lead to a root, each of them once, from "/" down. */
function decodeParents(map: CborMap, root: string): readonly Entry[] | undefined {
  if (!map.has("parents")) {
    map.skip("parents");
    return undefined;
  }
  const node = decodeTreeNode(map.bytes("parents"), "the parents of a source");
  if (!("entries" in node)) return map.fail("parents", "is no leaf");
  const names = root.slice(1).split("/").slice(0, -1);
  const isWay = node.entries.every(
    ({ type, dir, name }, depth) =>
      type === entryTypes.directory &&
      dir === names.slice(0, Math.max(0, depth - 1)).join("/") &&
      name === (depth === 0 ? "" : names[depth - 1]),
  );
  if (!isWay || root === "/" || node.entries.length !== names.length + 1)
    map.fail("parents", "are not the directories that lead to the root");
  return node.entries;
}

/** Whether a path begins with a slash and has no empty part, "." or ".." that could lead elsewhere. */
function isAbsolutePath(path: string): boolean {
  if (path === "/") return true;
  if (!path.startsWith("/") || path.includes("\0")) return false;
  return path
    .slice(1)
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== "..");
}

function optionalId<Kind extends "state" | "blob">(map: CborMap, name: string, kind: Kind) {
  if (map.has(name)) return idFromBytes(kind, map.bytes(name, 32));
  map.skip(name);
  return undefined;
}
