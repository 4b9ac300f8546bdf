import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";

/** What a torture tree has, and what could not be made here and why. */
export type MadeTree = { readonly made: readonly string[]; readonly missing: readonly string[] };

/** Choices of `makeTree`. */
export type TreeOptions = {
  /** Whether a sparse file beyond 4 GiB is among them; comparing it takes seconds. */
  readonly large?: boolean;
  /** How many small files one directory has; 300 unless told. */
  readonly manyFiles?: number;
  /** Whether files are made immutable and append-only, which keeps the tree from being removed but by `removeTree`. */
  readonly lateFlags?: boolean;
};

/**
 * Builds, in a directory that is not there yet, a tree of everything that a filesystem keeps and backups lose: modes, owners,
 * nanosecond times before 1970 and after 2038, ACLs, capabilities, extended attributes, chattr flags, holes, devices,
 * sockets, hard links, names of any bytes, a path of more than 6,000 bytes.
 *
 * Made by standard tools (touch, setfacl, setfattr, setcap, chattr, mknod) and plain Node, never by the code that it judges.
 * What this user or this filesystem cannot have is listed in `missing`.
 */
export function makeTree(root: string, options: TreeOptions = {}): MadeTree {
  const builder = new TreeBuilder(root);
  fs.mkdirSync(root);
  builder.content(options.manyFiles ?? 300);
  builder.modes();
  builder.owners();
  builder.names();
  builder.links();
  builder.specials();
  builder.holes(options.large ?? false);
  builder.extended();
  builder.deep();
  builder.flags(options.lateFlags ?? true);
  // Last, since making entries changes the times of their directories.
  builder.times();
  return { made: builder.made, missing: builder.missing };
}

/** Removes a tree of `makeTree`, or a restored copy, whatever flags its files have. */
export function removeTree(root: string): void {
  if (!fs.existsSync(root)) return;
  spawnSync("chattr", ["-R", "-f", "-i", "-a", root], { stdio: "ignore" });
  // rm descends by open directories, so no path is too long for it.
  execFileSync("rm", ["-rf", "--", root]);
}

class TreeBuilder {
  readonly made: string[] = [];
  readonly missing: string[] = [];
  readonly #root: string;
  readonly #isRoot = process.getuid?.() === 0;

  constructor(root: string) {
    this.#root = root;
  }

  content(manyFiles: number): void {
    const at = this.#directory("content");
    fs.writeFileSync(`${at}/empty`, "");
    fs.writeFileSync(`${at}/one-byte`, "x");
    fs.writeFileSync(`${at}/text`, "a line\n".repeat(1000));
    fs.writeFileSync(`${at}/random-16k`, noise(16_384, 1));
    fs.writeFileSync(`${at}/random-3m`, noise(3_000_001, 2));
    fs.writeFileSync(`${at}/same-3m`, noise(3_000_001, 2));
    fs.writeFileSync(`${at}/zeros`, Buffer.alloc(200_000));
    fs.mkdirSync(`${at}/empty-directory`);
    fs.mkdirSync(`${at}/a/b/c/d`, { recursive: true });
    fs.mkdirSync(`${at}/many`);
    for (let i = 0; i < manyFiles; i++) fs.writeFileSync(`${at}/many/file-${i}.txt`, `content of ${i}\n`);
    this.made.push("content");
  }

  modes(): void {
    const at = this.#directory("modes");
    for (const mode of [0o000, 0o200, 0o400, 0o444, 0o600, 0o640, 0o666, 0o777, 0o1644, 0o2755, 0o4711, 0o7777]) {
      fs.writeFileSync(`${at}/file-${mode.toString(8)}`, "mode");
      fs.chmodSync(`${at}/file-${mode.toString(8)}`, mode);
    }
    for (const mode of [0o500, 0o700, 0o711, 0o1777, 0o2775, 0o3770]) {
      fs.mkdirSync(`${at}/directory-${mode.toString(8)}`);
      fs.writeFileSync(`${at}/directory-${mode.toString(8)}/inside`, "inside");
      fs.chmodSync(`${at}/directory-${mode.toString(8)}`, mode);
    }
    this.made.push("modes");
  }

  owners(): void {
    if (!this.#privileged("owners")) return;
    const at = this.#directory("owners");
    for (const [uid, gid] of [
      [1, 1],
      [1000, 0],
      [0, 65_534],
      [12_345, 54_321],
      [4_294_967_294, 4_294_967_294],
    ] as const) {
      fs.writeFileSync(`${at}/file-${uid}`, "owned");
      fs.chownSync(`${at}/file-${uid}`, uid, gid);
      fs.mkdirSync(`${at}/directory-${uid}`);
      fs.chownSync(`${at}/directory-${uid}`, uid, gid);
      fs.symlinkSync("nowhere", `${at}/link-${uid}`);
      fs.lchownSync(`${at}/link-${uid}`, uid, gid);
    }
    fs.writeFileSync(`${at}/setuid-of-another`, "#!/bin/sh\n");
    fs.chownSync(`${at}/setuid-of-another`, 1000, 1000);
    fs.chmodSync(`${at}/setuid-of-another`, 0o6755);
    fs.writeFileSync(`${at}/group-secret`, "for a group");
    fs.chownSync(`${at}/group-secret`, 1000, 1000);
    fs.chmodSync(`${at}/group-secret`, 0o660);
    fs.mkdirSync(`${at}/setgid`);
    fs.chownSync(`${at}/setgid`, 0, 1234);
    fs.chmodSync(`${at}/setgid`, 0o2775);
    fs.writeFileSync(`${at}/setgid/inherits`, "group of the directory");
    fs.writeFileSync(`${at}/setgid/own-group`, "another group");
    fs.chownSync(`${at}/setgid/own-group`, 0, 0);
  }

  names(): void {
    const at = this.#directory("names");
    const here = Buffer.from(`${at}/`);
    const write = (name: Buffer): void => fs.writeFileSync(Buffer.concat([here, name]), name);
    for (let byte = 1; byte < 256; byte++) if (byte !== 0x2f && byte !== 0x2e) write(Buffer.from([byte]));
    write(Buffer.alloc(255, "n"));
    write(Buffer.alloc(255, 0xfe));
    write(Buffer.from("é".repeat(127)));
    for (const text of [
      "new\nline",
      " space ",
      "-rf",
      "--",
      "...",
      "..x",
      "a\\b",
      "ünïcödé",
      "🗄️",
      "e\u0301",
      "*?[",
      "\x1b[31m",
    ]) {
      write(Buffer.from(text));
    }
    write(Buffer.from([0x66, 0xc3, 0x28, 0xff, 0x00 + 1]));
    const directory = Buffer.concat([here, Buffer.from([0xff, 0xfe, 0x64])]);
    fs.mkdirSync(directory);
    fs.writeFileSync(Buffer.concat([directory, Buffer.from([0x2f, 0x80])]), "in a directory that is no UTF-8");
    this.made.push("names of any bytes");
  }

  links(): void {
    const at = this.#directory("links");
    fs.writeFileSync(`${at}/original`, "linked");
    fs.mkdirSync(`${at}/elsewhere`);
    fs.linkSync(`${at}/original`, `${at}/second`);
    fs.linkSync(`${at}/original`, `${at}/elsewhere/third`);
    fs.writeFileSync(`${at}/empty`, "");
    fs.linkSync(`${at}/empty`, `${at}/empty-too`);
    fs.symlinkSync("original", `${at}/to-file`);
    fs.linkSync(`${at}/to-file`, `${at}/to-file-too`);
    fs.symlinkSync("elsewhere", `${at}/to-directory`);
    fs.symlinkSync("/etc/passwd", `${at}/absolute`);
    fs.symlinkSync("../../..", `${at}/upwards`);
    fs.symlinkSync("loop", `${at}/loop`);
    fs.symlinkSync("not there", `${at}/dangling`);
    fs.symlinkSync(Buffer.from([0xff, 0x0a, 0x80]), `${at}/bytes`);
    fs.symlinkSync(`${"x".repeat(250)}/`.repeat(16).slice(0, 4000), `${at}/long`);
    this.made.push("hard links", "symlinks");
  }

  specials(): void {
    const at = this.#directory("special");
    if (this.#run("mkfifo", "-m", "640", `${at}/fifo`)) {
      fs.linkSync(`${at}/fifo`, `${at}/fifo-too`);
      this.made.push("FIFO");
    }
    // The process ends without removing the name, as programs that crash do.
    const listen = "require('net').createServer().listen(process.argv[1],()=>process.kill(process.pid,'SIGKILL'))";
    spawnSync(process.execPath, ["-e", listen, "socket"], { cwd: at, stdio: "ignore" });
    if (fs.existsSync(`${at}/socket`)) this.made.push("socket");
    else this.missing.push("socket: none could be bound here");
    if (!this.#privileged("devices")) return;
    this.#run("mknod", "-m", "666", `${at}/null`, "c", "1", "3");
    this.#run("mknod", "-m", "660", `${at}/loop`, "b", "7", "200");
    this.#run("mknod", `${at}/high`, "b", "4095", "1048575");
    this.#run("mknod", `${at}/zero`, "c", "0", "0");
  }

  holes(large: boolean): void {
    const at = this.#directory("holes");
    const block = 65_536;
    sparse(`${at}/all`, 40 * block, []);
    sparse(`${at}/start`, 8 * block, [7 * block]);
    sparse(`${at}/middle`, 16 * block, [0, 9 * block, 15 * block]);
    sparse(`${at}/end`, 64 * block + 17, [0]);
    sparse(`${at}/odd`, 20 * block + 1, [3 * block, 20 * block]);
    sparse(`${at}/tiny`, 4097, []);
    if (large) sparse(`${at}/beyond-4g`, 5 * 2 ** 30, [0, 4 * 2 ** 30 + block]);
    this.made.push("holes");
  }

  extended(): void {
    const at = this.#directory("extended");
    const touch = (name: string): string => {
      fs.writeFileSync(`${at}/${name}`, name);
      return `${at}/${name}`;
    };
    const set = (path: string, name: string, value: string): boolean =>
      this.#run("setfattr", "-h", "-n", name, "-v", value, "--", path);
    if (set(touch("user"), "user.plain", "0x76616c7565")) {
      set(`${at}/user`, "user.binary", "0x00ff0a00");
      set(`${at}/user`, "user.a", "0x61");
      this.#run("setfattr", "-n", "user.empty", "--", `${at}/user`);
      set(touch("big"), "user.big", `0x${"ab".repeat(2000)}`);
      // Writable by nobody: the attributes must be set before the mode.
      set(touch("read-only"), "user.x", "0x31");
      fs.chmodSync(`${at}/read-only`, 0o444);
      fs.mkdirSync(`${at}/directory`);
      set(`${at}/directory`, "user.of-directory", "0x64");
      this.made.push("user attributes");
    }
    if (this.#run("setfacl", "-m", "u:1000:rwx,g:100:r--,m::rwx", "--", touch("acl"))) {
      this.#run("setfacl", "-m", "u:2000:---,u:3000:rwx,g:4000:-w-,m::r-x", "--", touch("acl-mask"));
      fs.mkdirSync(`${at}/default-acl`);
      this.#run("setfacl", "-m", "u:1000:rwx,d:u:1000:rwx,d:g:100:r-x,d:o::---", "--", `${at}/default-acl`);
      fs.writeFileSync(`${at}/default-acl/inherits`, "has an ACL of its directory");
      fs.writeFileSync(`${at}/default-acl/cleared`, "has none of its own");
      this.#run("setfacl", "-b", "--", `${at}/default-acl/cleared`);
      fs.chmodSync(`${at}/default-acl/cleared`, 0o644);
      fs.mkdirSync(`${at}/default-acl/below`);
      fs.mkdirSync(`${at}/default-acl/below-cleared`);
      this.#run("setfacl", "-b", "--", `${at}/default-acl/below-cleared`);
      this.made.push("ACLs");
    }
    if (!this.#privileged("capabilities and trusted attributes")) return;
    fs.copyFileSync("/bin/true", `${at}/capable`);
    this.#run("setcap", "cap_net_raw,cap_net_bind_service+ep", `${at}/capable`);
    fs.copyFileSync("/bin/true", `${at}/capable-of-another`);
    fs.chownSync(`${at}/capable-of-another`, 1000, 1000);
    this.#run("setcap", "cap_chown+i", `${at}/capable-of-another`);
    set(touch("trusted"), "trusted.t", "0x00");
    fs.symlinkSync("user", `${at}/link`);
    set(`${at}/link`, "trusted.of-link", "0x6c00");
    fs.symlinkSync("user", `${at}/link-without`);
    if (this.#run("mkfifo", `${at}/fifo`)) set(`${at}/fifo`, "trusted.of-fifo", "0x66");
  }

  deep(): void {
    const at = this.#directory("deep");
    const name = "d".repeat(200);
    let fd = fs.openSync(at, fs.constants.O_DIRECTORY);
    for (let depth = 0; depth < 32; depth++) {
      fs.mkdirSync(`/proc/self/fd/${fd}/${name}`);
      const next = fs.openSync(`/proc/self/fd/${fd}/${name}`, fs.constants.O_DIRECTORY);
      if (depth === 20) fs.writeFileSync(`/proc/self/fd/${fd}/on-the-way`, "on the way");
      fs.closeSync(fd);
      fd = next;
    }
    const bottom = `/proc/${process.pid}/fd/${fd}`;
    fs.writeFileSync(`${bottom}/bottom`, "at the bottom");
    fs.mkdirSync(`${bottom}/empty-directory`);
    fs.symlinkSync("bottom", `${bottom}/link`);
    fs.linkSync(`${bottom}/bottom`, `${bottom}/bottom-too`);
    spawnSync("setfattr", ["-n", "user.deep", "-v", "yes", "bottom"], { cwd: bottom, stdio: "ignore" });
    spawnSync("setfacl", ["-m", "u:1000:r--", "bottom"], { cwd: bottom, stdio: "ignore" });
    spawnSync("touch", ["-h", "-d", "@1234567890.987654321", "bottom", "link"], { cwd: bottom, stdio: "ignore" });
    fs.closeSync(fd);
    this.made.push("a path of more than 6000 bytes");
  }

  flags(late: boolean): void {
    const at = this.#directory("flags");
    for (const flag of [
      "d",
      "A",
      "S",
      "c",
      "s",
      "u",
      "j",
      "t",
      "m",
      "C",
      ...(late && this.#isRoot ? ["i", "a"] : []),
    ]) {
      fs.writeFileSync(`${at}/file-${flag}`, `chattr +${flag}`);
      this.#run("chattr", `+${flag}`, `${at}/file-${flag}`);
    }
    fs.writeFileSync(`${at}/file-dA`, "two flags");
    this.#run("chattr", "+dA", `${at}/file-dA`);
    for (const flag of ["d", "A", "D", "T"]) {
      fs.mkdirSync(`${at}/directory-${flag}`);
      this.#run("chattr", `+${flag}`, `${at}/directory-${flag}`);
      fs.writeFileSync(`${at}/directory-${flag}/inherits`, "flags of the directory");
      fs.writeFileSync(`${at}/directory-${flag}/cleared`, "none");
      this.#run("chattr", `-${flag}`, `${at}/directory-${flag}/cleared`);
    }
    if (late && this.#isRoot) {
      fs.mkdirSync(`${at}/directory-i`);
      fs.writeFileSync(`${at}/directory-i/inside`, "an immutable directory");
    }
  }

  times(): void {
    const at = this.#directory("times");
    const moments = {
      "1901": "@-2147483647.000000001",
      "1960": "@-300000000.987654321",
      "1969": "@-1.5",
      "1970": "@0",
      "1970-ns": "@0.000000001",
      "2001": "@1000000000.123456789",
      "2024": "@1720000000.999999999",
      "2039": "@2180000000.111222333",
      "2200": "@7258118400.5",
    };
    for (const [name, moment] of Object.entries(moments)) {
      fs.writeFileSync(`${at}/file-${name}`, moment);
      fs.mkdirSync(`${at}/directory-${name}`);
      fs.writeFileSync(`${at}/directory-${name}/inside`, moment);
      fs.symlinkSync("nowhere", `${at}/link-${name}`);
      const paths = ["file", "directory", "link"].map((kind) => `${at}/${kind}-${name}`);
      this.#run("touch", "-h", "-d", moment, "--", ...paths);
    }
    if (fs.existsSync(`${this.#root}/special/fifo`)) {
      this.#run("touch", "-h", "-d", "@1500000000.000000007", "--", `${this.#root}/special/fifo`);
    }
    this.#run("touch", "-h", "-d", "@1600000000.600000006", "--", at, `${this.#root}/names`, `${this.#root}/holes`);
    if (fs.existsSync(`${this.#root}/flags/directory-i`)) {
      this.#run("chattr", "+i", `${this.#root}/flags/directory-i`);
    }
    this.#run("touch", "-h", "-d", "@1600000000.700000007", "--", this.#root);
  }

  #directory(name: string): string {
    fs.mkdirSync(`${this.#root}/${name}`);
    return `${this.#root}/${name}`;
  }

  #privileged(what: string): boolean {
    if (!this.#isRoot) this.missing.push(`${what}: only root can make them`);
    else this.made.push(what);
    return this.#isRoot;
  }

  #run(command: string, ...words: string[]): boolean {
    const ended = spawnSync(command, words, { encoding: "utf8" });
    if (ended.status === 0) return true;
    const why = ended.error?.message ?? ended.stderr.trim().split("\n")[0] ?? "";
    this.missing.push(`${command} ${words.map((word) => word.slice(0, 60)).join(" ")}: ${why}`);
    return false;
  }
}

function sparse(path: string, size: number, dataAt: readonly number[]): void {
  const fd = fs.openSync(path, "wx");
  fs.ftruncateSync(fd, size);
  for (const offset of dataAt) {
    const data = noise(Math.min(65_536, size - offset), offset + 1);
    fs.writeSync(fd, data, 0, data.length, offset);
  }
  // Blocks that are still to be allocated are not yet told apart from holes everywhere.
  fs.fsyncSync(fd);
  fs.closeSync(fd);
}

/** Bytes that do not compress, the same for the same seed. */
function noise(lengthBytes: number, seed: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < lengthBytes; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

if (import.meta.main) {
  const [root, ...flags] = process.argv.slice(2);
  if (root === undefined) {
    process.stderr.write("usage: make-tree.ts <directory> [--large] [--no-late-flags]\n");
    process.exitCode = 64;
  } else {
    const tree = makeTree(root, { large: flags.includes("--large"), lateFlags: !flags.includes("--no-late-flags") });
    console.log(`made: ${tree.made.join(", ")}`);
    for (const line of tree.missing) console.log(`missing: ${line}`);
  }
}
