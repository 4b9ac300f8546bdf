import { spawnSync } from "node:child_process";
import * as fs from "node:fs";

/** One way in which two trees differ. Paths are shown as UTF-8 with other bytes escaped; "" is the root. */
export type TreeDifference = {
  readonly path: string;
  readonly attribute: string;
  readonly expected: string;
  readonly actual: string;
};

/** What a comparison found, and what it could not compare on this machine. */
export type TreeComparison = {
  readonly differences: readonly TreeDifference[];
  readonly comparedEntries: number;
  readonly notes: readonly string[];
};

/** Attributes that `compareTrees` tells apart. */
export type TreeAttribute =
  | "content"
  | "mode"
  | "owner"
  | "group"
  | "mtime"
  | "xattrs"
  | "flags"
  | "holes"
  | "links"
  | "device";

type Entry = {
  readonly stat: fs.BigIntStats;
  readonly target: string | undefined;
  readonly type: string;
};

/**
 * Compares two trees entry by entry: names, types, content, modes, owners, times to the nanosecond, extended attributes with
 * ACLs and capabilities, chattr flags, holes, hard links, symlink targets and device numbers.
 *
 * Reads by Node's lstat on open directories, getfattr, lsattr and (for holes) python3; nothing of the code that it judges.
 *
 * @param ignore - attributes that are not to be compared
 */
export function compareTrees(
  expectedRoot: string,
  actualRoot: string,
  ignore: readonly TreeAttribute[] = [],
): TreeComparison {
  const differences: TreeDifference[] = [];
  const notes: string[] = [];
  const note = (text: string): void => {
    if (!notes.includes(text)) notes.push(text);
  };
  const expected = readTree(expectedRoot);
  const actual = readTree(actualRoot);
  const differ = (path: string, attribute: string, was: string, is: string): void => {
    if (was !== is) differences.push({ path: shown(path), attribute, expected: was, actual: is });
  };
  const wanted = (attribute: TreeAttribute): boolean => !ignore.includes(attribute);

  const common: string[] = [];
  for (const path of expected.entries.keys()) {
    if (actual.entries.has(path)) common.push(path);
    else differ(path, "present", "yes", "no");
  }
  for (const path of actual.entries.keys()) if (!expected.entries.has(path)) differ(path, "present", "no", "yes");

  const alike: string[] = [];
  for (const path of common) {
    const was = expected.entries.get(path);
    const is = actual.entries.get(path);
    if (was === undefined || is === undefined) continue;
    differ(path, "type", was.type, is.type);
    if (was.type !== is.type) continue;
    alike.push(path);
    differ(path, "target", show(was.target), show(is.target));
    if (wanted("mode") && was.type !== "symlink") differ(path, "mode", octal(was.stat.mode), octal(is.stat.mode));
    if (wanted("owner")) differ(path, "owner", String(was.stat.uid), String(is.stat.uid));
    if (wanted("group")) differ(path, "group", String(was.stat.gid), String(is.stat.gid));
    if (wanted("mtime")) differ(path, "mtime", time(was.stat.mtimeNs), time(is.stat.mtimeNs));
    if (wanted("device") && was.type.endsWith("device"))
      differ(path, "device", String(was.stat.rdev), String(is.stat.rdev));
    if (wanted("links") && was.type !== "directory") {
      differ(path, "links", show(expected.firstNames.get(path)), show(actual.firstNames.get(path)));
    }
    if (was.type === "file") differ(path, "size", String(was.stat.size), String(is.stat.size));
  }

  if (wanted("xattrs")) {
    const was = readXattrs(expected, note);
    const is = readXattrs(actual, note);
    for (const path of alike) {
      const names = new Set([...(was.get(path)?.keys() ?? []), ...(is.get(path)?.keys() ?? [])]);
      for (const name of names) {
        differ(path, `xattr ${name}`, show(was.get(path)?.get(name)), show(is.get(path)?.get(name)));
      }
    }
  }
  if (wanted("flags")) {
    const was = readFlags(expected, note);
    const is = readFlags(actual, note);
    for (const path of alike) {
      const flags = was.get(path);
      const now = is.get(path);
      if (flags !== undefined || now !== undefined) differ(path, "flags", flags ?? "", now ?? "");
    }
  }
  if (wanted("holes")) {
    const was = readHoles(expected, note);
    const is = readHoles(actual, note);
    for (const path of alike) differ(path, "holes", was.get(path) ?? "", is.get(path) ?? "");
  }
  if (wanted("content")) {
    for (const path of alike) {
      if (expected.entries.get(path)?.type !== "file") continue;
      const at = firstDifference(expected, actual, path);
      if (at !== undefined) differ(path, "content", "as stored", `differs at byte ${at}`);
    }
  }
  closeTree(expected);
  closeTree(actual);
  return { differences, comparedEntries: common.length, notes };
}

/** Differences as lines of text, the first `most` of them. */
export function describeDifferences(comparison: TreeComparison, most = 40): string {
  const lines = comparison.differences
    .slice(0, most)
    .map(
      ({ path, attribute, expected, actual }) =>
        `${clip(path)}: ${attribute}: ${clip(expected)} became ${clip(actual)}`,
    );
  const more = comparison.differences.length - lines.length;
  if (more > 0) lines.push(`and ${more} more`);
  return lines.join("\n");
}

function clip(text: string): string {
  return text.length > 160 ? `${text.slice(0, 60)}…${text.slice(-60)}` : text;
}

type Tree = {
  readonly root: string;
  readonly rootFd: number;
  readonly entries: Map<string, Entry>;
  /** For each entry with several names the least of them; absent where it has one. */
  readonly firstNames: Map<string, string>;
};

const farPath = 3000;

/** All entries by binary path, found by descending through open directories, so that no path is too long. */
function readTree(root: string): Tree {
  const rootFd = fs.openSync(root, fs.constants.O_DIRECTORY);
  const entries = new Map<string, Entry>();
  entries.set("", { stat: fs.fstatSync(rootFd, { bigint: true }), target: undefined, type: "directory" });
  const descend = (fd: number, prefix: string): void => {
    for (const name of fs.readdirSync(`/proc/self/fd/${fd}`, "buffer").sort((a, b) => a.compare(b))) {
      const place = Buffer.concat([Buffer.from(`/proc/self/fd/${fd}/`), name]);
      const stat = fs.lstatSync(place, { bigint: true });
      const type = typeOf(stat);
      const path = `${prefix}${name.toString("latin1")}`;
      const target = type === "symlink" ? fs.readlinkSync(place, "buffer").toString("latin1") : undefined;
      entries.set(path, { stat, target, type });
      if (type !== "directory") continue;
      const inner = fs.openSync(place, fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW);
      descend(inner, `${path}/`);
      fs.closeSync(inner);
    }
  };
  descend(rootFd, "");

  const byInode = new Map<string, string>();
  const firstNames = new Map<string, string>();
  for (const path of [...entries.keys()].sort()) {
    const entry = entries.get(path);
    if (entry === undefined || entry.type === "directory" || entry.stat.nlink < 2n) continue;
    const inode = `${entry.stat.dev}:${entry.stat.ino}`;
    const first = byInode.get(inode);
    if (first === undefined) byInode.set(inode, path);
    firstNames.set(path, first ?? path);
  }
  return { root, rootFd, entries, firstNames };
}

function closeTree(tree: Tree): void {
  fs.closeSync(tree.rootFd);
}

function typeOf(stat: fs.BigIntStats): string {
  if (stat.isDirectory()) return "directory";
  if (stat.isSymbolicLink()) return "symlink";
  if (stat.isFIFO()) return "fifo";
  if (stat.isSocket()) return "socket";
  if (stat.isCharacterDevice()) return "character device";
  if (stat.isBlockDevice()) return "block device";
  return "file";
}

/**
 * Runs `use` on groups of paths that a tool can take: from the root for all but the far ones, which are named from a
 * directory on the way to them.
 */
function inGroups(
  tree: Tree,
  paths: readonly string[],
  use: (cwd: string, names: readonly string[], prefix: string) => void,
): void {
  const groups = new Map<string, string[]>();
  for (const path of paths) {
    const far = path.length - (path.length % farPath);
    const anchor = far === 0 ? "" : path.slice(0, path.lastIndexOf("/", far - 1));
    const group = groups.get(anchor) ?? [];
    if (group.length === 0) groups.set(anchor, group);
    group.push(`./${anchor === "" ? path : path.slice(anchor.length + 1)}`);
  }
  for (const [anchor, names] of groups) {
    withDirectory(tree, anchor, (fd) => use(`/proc/${process.pid}/fd/${fd}`, names, anchor === "" ? "" : `${anchor}/`));
  }
}

function withDirectory<T>(tree: Tree, directory: string, use: (fd: number) => T): T {
  let fd = fs.openSync(`/proc/self/fd/${tree.rootFd}`, fs.constants.O_DIRECTORY);
  for (const name of directory === "" ? [] : directory.split("/")) {
    const next = fs.openSync(
      Buffer.from(`/proc/self/fd/${fd}/${name}`, "latin1"),
      fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW,
    );
    fs.closeSync(fd);
    fd = next;
  }
  try {
    return use(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Runs a tool on any number of names, given as bytes. */
function run(cwd: string, command: readonly string[], names: readonly string[], note: (text: string) => void): string {
  const ended = spawnSync("xargs", ["-0", ...command], {
    cwd,
    input: Buffer.from(names.map((name) => `${name}\0`).join(""), "latin1"),
    maxBuffer: 2 ** 30,
  });
  if (ended.error !== undefined) throw ended.error;
  if (ended.status === 127) note(`${command[0]} is not installed: what it shows is not compared`);
  return ended.stdout.toString("latin1");
}

function readXattrs(tree: Tree, note: (text: string) => void): Map<string, Map<string, string>> {
  const found = new Map<string, Map<string, string>>();
  inGroups(tree, [...tree.entries.keys()], (cwd, names, prefix) => {
    const text = run(cwd, ["getfattr", "-h", "-d", "-m", "-", "-e", "hex", "--absolute-names", "--"], names, note);
    let current: Map<string, string> | undefined;
    for (const line of text.split("\n")) {
      if (line.startsWith("# file: ")) {
        current = new Map();
        found.set(`${prefix}${unquote(line.slice(8)).slice(2)}`, current);
      } else if (line !== "") {
        const cut = line.indexOf("=");
        current?.set(unquote(cut < 0 ? line : line.slice(0, cut)), cut < 0 ? "" : line.slice(cut + 1));
      }
    }
  });
  return found;
}

/** getfattr shows a backslash, and what would break its lines, as a backslash and three octal digits. */
function unquote(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** The letters of lsattr but those that tell how the filesystem stores a file: extents, index, encryption, inline … */
function readFlags(tree: Tree, note: (text: string) => void): Map<string, string> {
  const found = new Map<string, string>();
  const paths = [...tree.entries]
    .filter(([, { type }]) => type === "file" || type === "directory")
    .map(([path]) => path);
  inGroups(tree, paths, (cwd, names, prefix) => {
    const text = run(cwd, ["lsattr", "-d", "--"], names, note);
    let at = 0;
    for (const name of names) {
      const gap = text.indexOf(" ", at);
      if (gap < 0 || !text.startsWith(`${name}\n`, gap + 1)) continue;
      found.set(`${prefix}${name.slice(2)}`, text.slice(at, gap).replace(/[-eEIhNV]/g, ""));
      at = gap + 1 + name.length + 1;
    }
  });
  return found;
}

const seekScript = `
import os, sys
os.fchdir(3)
for path in sys.stdin.buffer.read().split(b"\\0")[:-1]:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    size = os.fstat(fd).st_size
    at, parts = 0, []
    while at < size:
        try:
            data = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            break
        at = os.lseek(fd, data, os.SEEK_HOLE)
        parts.append("%d+%d" % (data, at - data))
    os.close(fd)
    print(" ".join(parts))
`;

/** The data extents of files with holes, as text. */
function readHoles(tree: Tree, note: (text: string) => void): Map<string, string> {
  const found = new Map<string, string>();
  const paths = [...tree.entries]
    .filter(([, { type, stat }]) => type === "file" && stat.blocks * 512n < stat.size)
    .map(([path]) => path);
  inGroups(tree, paths, (cwd, names, prefix) => {
    // Started elsewhere and told the directory by descriptor 3: a launcher of python may need a path to where it is.
    const directory = fs.openSync(cwd, fs.constants.O_DIRECTORY);
    const ended = spawnSync("python3", ["-c", seekScript], {
      cwd: "/",
      stdio: ["pipe", "pipe", "pipe", directory],
      input: Buffer.from(names.map((name) => `${name}\0`).join(""), "latin1"),
      maxBuffer: 2 ** 30,
    });
    fs.closeSync(directory);
    if (ended.error !== undefined) {
      note("python3 is not installed: holes are not compared");
      return;
    }
    if (ended.status !== 0) throw new Error(ended.stderr.toString());
    const lines = ended.stdout.toString().split("\n");
    for (const [index, name] of names.entries()) {
      const path = `${prefix}${name.slice(2)}`;
      const size = tree.entries.get(path)?.stat.size ?? 0n;
      const line = lines[index] ?? "";
      // One extent over the whole is no hole, wherever it may end within its last block.
      if (line !== `0+${size}`) found.set(path, line);
    }
  });
  return found;
}

const left = Buffer.alloc(4 * 1024 * 1024);
const right = Buffer.alloc(left.length);

/** The offset of the first byte that two files of one path do not share. */
function firstDifference(expected: Tree, actual: Tree, path: string): number | undefined {
  const cut = path.lastIndexOf("/");
  const directory = cut < 0 ? "" : path.slice(0, cut);
  const open = (tree: Tree): number =>
    withDirectory(tree, directory, (fd) =>
      fs.openSync(Buffer.from(`/proc/self/fd/${fd}/${path.slice(cut + 1)}`, "latin1"), fs.constants.O_RDONLY),
    );
  const first = open(expected);
  const second = open(actual);
  const size = left.length;
  try {
    for (let at = 0; ;) {
      const lengths = [fs.readSync(first, left, 0, size, at), fs.readSync(second, right, 0, size, at)] as const;
      const length = Math.min(...lengths);
      if (!left.subarray(0, length).equals(right.subarray(0, length))) {
        for (let i = 0; i < length; i++) if (left[i] !== right[i]) return at + i;
      }
      if (lengths[0] !== lengths[1]) return at + length;
      if (length === 0) return undefined;
      at += length;
    }
  } finally {
    fs.closeSync(first);
    fs.closeSync(second);
  }
}

function shown(path: string): string {
  const bytes = Buffer.from(path, "latin1");
  const text = bytes.toString("utf8");
  if (Buffer.from(text, "utf8").equals(bytes) && !/\p{C}/u.test(text)) return text;
  return JSON.stringify(path);
}

function show(value: string | undefined): string {
  return value === undefined ? "none" : shown(value);
}

function octal(mode: bigint): string {
  return `0${(Number(mode) & 0o7777).toString(8)}`;
}

function time(ns: bigint): string {
  return `${ns} ns`;
}

if (import.meta.main) {
  const [expected, actual, ...ignore] = process.argv.slice(2);
  if (expected === undefined || actual === undefined) {
    process.stderr.write("usage: compare-trees.ts <expected> <actual> [attribute to ignore …]\n");
    process.exitCode = 64;
  } else {
    const comparison = compareTrees(expected, actual, ignore as TreeAttribute[]);
    for (const text of comparison.notes) console.log(`note: ${text}`);
    if (comparison.differences.length > 0) console.log(describeDifferences(comparison, Number.MAX_SAFE_INTEGER));
    console.log(`${comparison.comparedEntries} entries compared, ${comparison.differences.length} differences`);
    process.exitCode = comparison.differences.length === 0 ? 0 : 1;
  }
}
