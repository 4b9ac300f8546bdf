import type { Importer, ScanProblem, ScanRecord } from "#shared/connectors/importer.ts";
import { compareEntryKeys, entryPath, type EntryType, entryTypes } from "#shared/format/entry.ts";
import type { ScriptedContent } from "./scripted-content.testing.ts";

/** One path of a scripted source: what a scan sees, and how reading it goes. */
export type ScriptedEntry = {
  /** Relative to the root; directories need not be named. */
  readonly path: string;
  readonly type?: EntryType;
  readonly content?: Uint8Array | string;
  readonly mtimeSec?: number;
  readonly inode?: number;
  readonly nlink?: number;
  readonly device?: number;
  readonly target?: string;
} & Omit<ScriptedContent, "content">;

/** Options of `scriptedSource`. */
export type ScriptedSourceOptions = {
  readonly root?: string;
  readonly entries: readonly ScriptedEntry[];
  readonly problems?: readonly ScanProblem[];
};

/** An importer whose entries are written in a test: no file of the machine is looked at. */
export function scriptedSource({ root = "/scripted", entries, problems = [] }: ScriptedSourceOptions): Importer {
  const contents = new Map<string, ScriptedContent>();
  const records = new Map<string, ScanRecord>();
  const targets = new Map<string, string | undefined>();
  records.set("", recordOf(root, "", { path: "", type: entryTypes.directory }));
  for (const entry of entries) {
    for (let slash = entry.path.indexOf("/"); slash >= 0; slash = entry.path.indexOf("/", slash + 1)) {
      const path = entry.path.slice(0, slash);
      if (!records.has(path)) records.set(path, recordOf(root, path, { path, type: entryTypes.directory }));
    }
    const record = recordOf(root, entry.path, entry);
    records.set(entry.path, record);
    targets.set(record.path, entry.target);
    contents.set(record.path, { ...entry, content: bytesOf(entry.content) });
  }
  const sorted = [...records.values()].sort((left, right) =>
    compareEntryKeys(left.dir, left.name, right.dir, right.name),
  );
  return {
    type: "filesystem",
    origin: "scripted",
    root,
    options: new Map(),
    lost: [],
    async *scan(onProblem) {
      for (const problem of problems) onProblem(problem);
      yield sorted.map((record) => ({ ...record }));
    },
    describe: (record) => ({ target: targets.get(record.path), xattrs: undefined, flags: 0, problems: [] }),
    content: { moduleUrl: new URL("./scripted-content.testing.ts", import.meta.url).href, options: contents },
    userNames: () => new Map(),
    groupNames: () => new Map(),
    close: () => Promise.resolve(),
  };
}

/** The paths of a scripted source with their content, for comparison with what was restored. */
export function scriptedFiles(entries: readonly ScriptedEntry[]): Map<string, Buffer> {
  return new Map(
    entries
      .filter((entry) => (entry.type ?? entryTypes.file) === entryTypes.file)
      .map((entry) => [entry.path, Buffer.from(bytesOf(entry.content))]),
  );
}

function bytesOf(content: Uint8Array | string | undefined): Uint8Array {
  return typeof content === "string" ? Buffer.from(content) : (content ?? new Uint8Array(0));
}

function recordOf(root: string, path: string, entry: ScriptedEntry): ScanRecord {
  const slash = path.lastIndexOf("/");
  const type = entry.type ?? entryTypes.file;
  const time = entry.mtimeSec ?? 1_000_000;
  const record = {
    dir: slash < 0 ? "" : path.slice(0, slash),
    name: path.slice(slash + 1),
    path: "",
    type,
    mode: type === entryTypes.directory ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    nlink: entry.nlink ?? 1,
    size: bytesOf(entry.content).byteLength,
    blocks512: 1_000_000,
    device: entry.device ?? 1,
    inodeHi: 0,
    inodeLo: entry.inode ?? numberOf(path),
    mtimeSec: time,
    mtimeNsec: 5,
    ctimeSec: time,
    ctimeNsec: 6,
    btimeSec: 0,
    btimeNsec: 0,
    rdevMajor: 0,
    rdevMinor: 0,
  };
  const below = entryPath(record);
  record.path = below === "" ? root : `${root}/${below}`;
  return record;
}

/** A number that a path always has and others rarely. */
function numberOf(path: string): number {
  let number = 7;
  for (let index = 0; index < path.length; index++) number = (Math.imul(number, 31) + path.charCodeAt(index)) >>> 0;
  return number;
}
