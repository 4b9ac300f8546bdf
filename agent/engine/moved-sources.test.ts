import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { SmallHost } from "./small-host.testing.ts";

const hosts: SmallHost[] = [];
const mounts: string[] = [];
afterEach(() => {
  for (const mount of mounts.splice(0).toReversed()) spawnSync("umount", [mount]);
  for (const host of hosts.splice(0)) host.remove();
});

async function newHost(files = 0): Promise<SmallHost> {
  const host = await SmallHost.make();
  hosts.push(host);
  writeFiles(host.source, files);
  return host;
}

function writeFiles(directory: string, files: number): void {
  for (let number = 0; number < files; number++) {
    writeFileSync(join(directory, `${number}`), `content of ${number}`);
    utimesSync(join(directory, `${number}`), number, number);
  }
}

/** Gives each file of a directory another inode, and so another change time. */
function copyAnew(directory: string): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const { atimeMs, mtimeMs } = statSync(path);
    copyFileSync(path, `${path}~`);
    utimesSync(`${path}~`, atimeMs / 1000, mtimeMs / 1000);
    renameSync(`${path}~`, path);
  }
}

const kindsOf = ({ errors }: { readonly errors: readonly { readonly kind: string }[] }) =>
  errors.map(({ kind }) => kind);

describe("backup of a source that lost something", () => {
  it("ends partial where the source is empty and was not, and names it", async () => {
    const host = await newHost(200);
    await host.backup();
    for (const name of readdirSync(host.source)) rmSync(join(host.source, name));
    for (const dryRun of [true, false]) {
      const report = await host.backup({ dryRun });
      expect(report).toMatchObject({ outcome: "partial", errors: [{ path: host.source, kind: "shrunk" }] });
    }
    expect(await host.backup()).toMatchObject({ outcome: "ok" });
  });

  it("says nothing of another series, and of a source that lost little", async () => {
    const host = await newHost(20);
    await host.backup();
    for (const name of readdirSync(host.source).slice(1)) rmSync(join(host.source, name));
    expect(await host.backup()).toMatchObject({ outcome: "ok" });
    rmSync(join(host.source, "0"));
    expect(await host.backup({ name: "other" })).toMatchObject({ outcome: "ok" });
  });

  it("ends partial where a filesystem was mounted at the root of a source, or below it", async (context) => {
    const host = await newHost();
    const mount = (...names: string[]): string => {
      const path = join(host.source, ...names);
      mkdirSync(path, { recursive: true });
      if (spawnSync("mount", ["-t", "tmpfs", "tmpfs", path]).status !== 0) {
        process.stderr.write("SKIPPED: nothing can be mounted here\n");
        context.skip();
      }
      mounts.push(path);
      writeFiles(path, 3);
      return path;
    };
    const above = mount("data");
    const inner = mount("data/inner");
    writeFiles(join(above), 30);
    const paths = [host.source, above];
    expect(await host.backup({ paths })).toMatchObject({ outcome: "ok" });
    await host.backup({ paths: [above], name: "root" });
    spawnSync("umount", [inner]);
    const report = await host.backup({ paths });
    expect(report.errors.map(({ path, kind }) => [path, kind])).toEqual([[inner, "unmounted"]]);
    spawnSync("umount", [above]);
    writeFiles(above, 30);
    expect(kindsOf(await host.backup({ paths: [above], name: "root" }))).toContain("unmounted");
  });

  it("counts the filesystems that it was asked not to enter", async (context) => {
    const host = await newHost(1);
    for (const name of ["one", "two"]) {
      const path = join(host.source, name);
      mkdirSync(path);
      if (spawnSync("mount", ["-t", "tmpfs", "tmpfs", path]).status !== 0) {
        process.stderr.write("SKIPPED: nothing can be mounted here\n");
        context.skip();
      }
      mounts.push(path);
      writeFiles(path, 3);
    }
    const report = await host.backup({ oneFileSystem: true });
    expect(report).toMatchObject({ outcome: "ok", facts: { fileSystemsLeftOut: 2, entries: 4 } });
    expect(report.notices).toMatchObject([
      { level: "info", message: expect.stringContaining(join(host.source, "two")) },
    ]);
    expect((await host.backup()).facts).not.toHaveProperty("fileSystemsLeftOut");
  });
});

describe("backup that ignores inodes or change times", () => {
  it("reads no file again because of another inode or change time, and all without the options", async () => {
    const host = await newHost(30);
    await host.backup();
    copyAnew(host.source);
    const both = { ignoreInode: true, ignoreCtime: true };
    expect(await host.backup({ ...both, dryRun: true })).toMatchObject({ facts: { filesToRead: 0 } });
    expect(await host.backup({ ignoreInode: true, dryRun: true })).toMatchObject({ facts: { filesToRead: 30 } });
    expect(await host.backup(both)).toMatchObject({ facts: { newBytes: 0, unchanged: 30, changed: 1 } });
    expect(await host.check()).toMatchObject({ outcome: "ok", errors: [] });
    copyAnew(host.source);
    expect(await host.backup()).toMatchObject({ facts: { unchanged: 0, changed: 31 } });
  });

  it("takes modes and owners anew that changed with the change time", async () => {
    const host = await newHost(3);
    await host.backup();
    for (const name of readdirSync(host.source)) chmodSync(join(host.source, name), 0o600);
    expect(await host.backup({ ignoreCtime: true })).toMatchObject({ facts: { unchanged: 4, changed: 0 } });
    const { target } = await host.restore();
    expect(statSync(join(target, "0")).mode & 0o777).toBe(0o600);
    expect(await host.backup()).toMatchObject({ facts: { unchanged: 4 } });
  });

  it("still reads files of another size or modification time", async () => {
    const host = await newHost(3);
    await host.backup();
    writeFileSync(join(host.source, "0"), "longer than it was before");
    utimesSync(join(host.source, "1"), 99, 99);
    const report = await host.backup({ ignoreInode: true, ignoreCtime: true });
    expect(report).toMatchObject({ facts: { changed: 2, unchanged: 2 } });
  });
});

describe("backup of a source under another name", () => {
  it("continues the history of the path that --as names", async () => {
    const host = await newHost(10);
    renameSync(host.source, host.path("first"));
    const as = ["/data"];
    await host.backup({ paths: [host.path("first")], as });
    renameSync(host.path("first"), host.path("second"));
    const report = await host.backup({ paths: [host.path("second")], as });
    expect(report.facts).toMatchObject({ unchanged: 10 });
    const { target } = await host.restore({ reference: { snapshot: { by: "age", back: 0 }, path: "/data" } });
    expect(readdirSync(target)).toHaveLength(10);
  });

  it("pairs several paths with their names in order, and refuses what does not pair up", async () => {
    const host = await newHost(2);
    mkdirSync(host.path("other"));
    const paths = [host.source, host.path("other")];
    await host.backup({ paths, as: ["/b", "/a"] });
    const { target } = await host.restore({ reference: { snapshot: { by: "age", back: 0 }, path: "/b" } });
    expect(readdirSync(target)).toHaveLength(2);
    await expect(host.backup({ paths, as: ["/b"] })).rejects.toMatchObject({ kind: "invalid" });
    await expect(host.backup({ paths, as: ["/b", "/b"] })).rejects.toMatchObject({ kind: "invalid" });
  });
});

describe("the snapshot that a backup is compared with", () => {
  it("is one of the same name", async () => {
    const host = await newHost(5);
    await host.backup({ name: "one" });
    expect(await host.backup({ name: "two" })).toMatchObject({ facts: { unchanged: 0 } });
    expect(await host.backup({ name: "one" })).toMatchObject({ facts: { unchanged: 6 } });
  });

  it("is the chosen one, by position where its paths are others, or the choice is refused", async () => {
    const host = await newHost(5);
    await host.backup();
    const [id = ""] = await host.snapshots();
    const parent = { by: "prefix", prefix: id } as const;
    renameSync(host.source, host.path("moved"));
    const paths = [host.path("moved")];
    expect(await host.backup({ paths })).toMatchObject({ facts: { unchanged: 0 } });
    expect(await host.backup({ paths, parent, name: "x" })).toMatchObject({ facts: { unchanged: 5, parent: id } });
    mkdirSync(host.path("another"));
    const refused = host.backup({ paths: [...paths, host.path("another")], parent });
    await expect(refused).rejects.toMatchObject({
      kind: "invalid",
      message: expect.stringMatching(/none of the paths/),
    });
  });
});
