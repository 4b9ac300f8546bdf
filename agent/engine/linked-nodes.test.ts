import { execFileSync } from "node:child_process";
import { linkSync, lstatSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { SmallHost } from "./small-host.testing.ts";

// Symlinks, FIFOs and devices may have several names, as files do. What somebody else has under one of them is not given the others.

const isRoot = process.getuid?.() === 0;
const hosts: SmallHost[] = [];
afterAll(() => {
  for (const host of hosts) host.remove();
});

const kinds: readonly (readonly [kind: string, make: (path: string) => void])[] = [
  ["symlink", (path) => symlinkSync("nowhere", path)],
  ["FIFO", (path) => execFileSync("mkfifo", ["-m", "640", path])],
  ...(isRoot ? [["device", (path: string) => void execFileSync("mknod", [path, "c", "1", "3"])] as const] : []),
];

/** A host with a source in which `a`, `b` and `c` are names of one entry. */
async function linkedNodes(make: (path: string) => void): Promise<SmallHost> {
  const host = await SmallHost.make();
  hosts.push(host);
  make(join(host.source, "a"));
  linkSync(join(host.source, "a"), join(host.source, "b"));
  linkSync(join(host.source, "a"), join(host.source, "c"));
  await host.backup();
  return host;
}

describe.each(kinds)("names of one %s", (_, make) => {
  it("are names of one entry again", async () => {
    const host = await linkedNodes(make);
    const { target, outcome } = await host.restore();
    expect(outcome).toBe("ok");
    const inodes = ["a", "b", "c"].map((name) => lstatSync(join(target, name)).ino);
    expect(new Set(inodes).size).toBe(1);
  });

  it.each(["a", "b", "c"])("are not those of what is there in the place of %s", async (name) => {
    const host = await linkedNodes(make);
    const target = host.path("target");
    mkdirSync(target);
    symlinkSync("MINE", join(target, name));
    await host.restore({ target, overwrite: "never" });
    expect(readlinkSync(join(target, name))).toBe("MINE");
    const others = ["a", "b", "c"].filter((each) => each !== name).map((each) => join(target, each));
    const [first, second] = others.map((path) => lstatSync(path));
    expect(first!.ino).toBe(second!.ino);
    const source = lstatSync(join(host.source, "a"));
    expect(first!.mode).toBe(source.mode);
    if (source.isSymbolicLink()) expect(readlinkSync(others[0]!)).toBe("nowhere");
  });

  it("are restored where one of them cannot be", async () => {
    const host = await linkedNodes(make);
    const target = host.path("target");
    mkdirSync(join(target, "a"), { recursive: true });
    writeFileSync(join(target, "a/in the way"), "");
    const { outcome, errors } = await host.restore({ target, overwrite: "always" });
    expect(outcome).toBe("partial");
    expect(errors.map(({ path }) => path)).toEqual(["a"]);
    expect(lstatSync(join(target, "b")).ino).toBe(lstatSync(join(target, "c")).ino);
  });
});
