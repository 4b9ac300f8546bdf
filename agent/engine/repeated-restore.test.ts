import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { lockTemporary } from "#agent/filesystem/remove-leftovers.ts";
import { temporaryName } from "#agent/filesystem/temporary-name.ts";
import { SmallHost, treeLines } from "./small-host.testing.ts";

const isRoot = process.getuid?.() === 0;
const nobody = 65534;

let host: SmallHost;
beforeEach(async () => {
  host = await SmallHost.make();
});
afterEach(() => {
  run("chattr", "-R", "-i", "-a", host.directory);
  host.remove();
});

function run(program: string, ...words: readonly string[]): string {
  const { status, stderr, error } = spawnSync(program, words, { encoding: "utf8" });
  return status === 0 ? "" : (error?.message ?? stderr.trim());
}

function flagsOf(directory: string): string[] {
  const { stdout } = spawnSync("lsattr", ["-R", "."], { cwd: directory, encoding: "utf8" });
  return stdout.split("\n").sort();
}

function skipUnless(reason: string, isThere: boolean): boolean {
  if (!isThere) process.stderr.write(`SKIPPED: ${reason}\n`);
  return !isThere;
}

function withFlags(): boolean {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-flags-"));
  const isThere = run("chattr", "+i", directory) === "";
  run("chattr", "-i", directory);
  rmSync(directory, { recursive: true });
  return isThere;
}

function withMounts(): boolean {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-mount-"));
  const isThere = run("mount", "--bind", directory, directory) === "";
  run("umount", directory);
  rmSync(directory, { recursive: true });
  return isThere;
}

describe("a restore over its own result", () => {
  test("as a user goes through directories that their owner may not write or enter, and puts their modes back", async () => {
    for (const [index, mode] of [0o555, 0o500, 0o000].entries()) {
      const directory = join(host.source, `d${index}`);
      mkdirSync(directory);
      writeFileSync(join(directory, "f"), "content");
      writeFileSync(join(directory, "gone"), "content");
      chmodSync(directory, isRoot ? mode : mode | 0o500);
    }
    const target = host.path("target");
    mkdirSync(target);
    await host.backup();
    if (isRoot) {
      run("chown", "-R", `${nobody}:${nobody}`, host.directory);
      chmodSync(host.directory, 0o755);
      process.setegid?.(nobody);
      process.seteuid?.(nobody);
    }
    try {
      const request = { target, owners: "none" as const };
      expect(await host.restore(request)).toMatchObject({ outcome: "ok", errors: [] });
      chmodSync(join(target, "d0"), 0o755);
      rmSync(join(target, "d0", "gone"));
      writeFileSync(join(target, "d0", "f"), "other content");
      chmodSync(join(target, "d0"), 0o555);
      for (const overwrite of ["changed", "always", "never"] as const) {
        expect({ overwrite, ...(await host.restore({ ...request, overwrite })) }).toMatchObject({
          overwrite,
          outcome: "ok",
          errors: [],
        });
        expect(statSync(join(target, "d0")).mode & 0o777).toBe(0o555);
      }
      expect(readFileSync(join(target, "d0", "f"), "utf8")).toBe("content");
      expect(existsSync(join(target, "d0", "gone"))).toBe(true);
    } finally {
      if (isRoot) {
        process.seteuid?.(0);
        process.setegid?.(0);
      }
      for (const tree of [host.source, target]) run("chmod", "-R", "u+rwx", tree);
    }
  });

  test.skipIf(skipUnless("flags are not tested: chattr +i does not work here", withFlags()))(
    "takes immutable and append-only from what it writes, and gives them back",
    async () => {
      mkdirSync(join(host.source, "log"));
      writeFileSync(join(host.source, "log", "f"), "content");
      writeFileSync(join(host.source, "fixed"), "content");
      run("chattr", "+a", join(host.source, "log"));
      run("chattr", "+i", join(host.source, "fixed"));
      await host.backup();
      const target = host.path("target");
      await host.restore({ target });
      for (const overwrite of ["changed", "always"] as const) {
        const { outcome, errors } = await host.restore({ target, overwrite });
        expect({ overwrite, outcome, errors }).toEqual({ overwrite, outcome: "ok", errors: [] });
        expect(treeLines(target)).toEqual(treeLines(host.source));
        expect(flagsOf(target)).toEqual(flagsOf(host.source));
      }
      expect(run("chattr", "-i", join(target, "fixed"))).toBe("");
      utimesSync(join(target, "fixed"), 1, 1);
      run("chattr", "+i", join(target, "fixed"));
      expect(await host.restore({ target, overwrite: "changed" })).toMatchObject({ errors: [] });
      expect(treeLines(target)).toEqual(treeLines(host.source));
      expect(flagsOf(target)).toEqual(flagsOf(host.source));
    },
  );

  test.skipIf(skipUnless("mounted files are not tested: mount --bind is refused", withMounts()))(
    "writes over a file that is a mount of its own, and says so",
    async () => {
      writeFileSync(join(host.source, "hosts"), "right");
      await host.backup();
      const target = host.path("target");
      mkdirSync(target);
      writeFileSync(join(target, "hosts"), "below the mount");
      writeFileSync(host.path("mounted"), "wrong and longer");
      expect(run("mount", "--bind", host.path("mounted"), join(target, "hosts"))).toBe("");
      try {
        const { outcome, errors, notices } = await host.restore({ target, overwrite: "always" });
        expect({ outcome, errors }).toEqual({ outcome: "ok", errors: [] });
        expect(notices).toContainEqual(
          expect.objectContaining({ path: "hosts", message: expect.stringMatching(/not atomic/) }),
        );
        expect(readFileSync(host.path("mounted"), "utf8")).toBe("right");
        expect(lstatSync(host.path("mounted")).mtimeMs).toBe(lstatSync(join(host.source, "hosts")).mtimeMs);
        expect(readdirSync(target)).toEqual(["hosts"]);
      } finally {
        run("umount", join(target, "hosts"));
      }
    },
  );

  test("removes what a killed restore left, and nothing that only looks like it", async () => {
    mkdirSync(join(host.source, "d"));
    writeFileSync(join(host.source, "d", "f"), "content");
    await host.backup();
    const target = host.path("target");
    await host.restore({ target });
    const [left, linked, used] = ["", "", ""].map(() => join(target, "d", temporaryName()));
    for (const path of [left, linked, used]) writeFileSync(path ?? "", "part of a file");
    linkSync(linked ?? "", join(target, "d", "name of a user"));
    mkdirSync(join(target, "d", temporaryName()));
    writeFileSync(join(target, "d", ".holdfast-restore-notes"), "of a user");
    symlinkSync("nowhere", join(target, "d", temporaryName()));
    const before = readdirSync(join(target, "d")).length;
    const fd = openSync(used ?? "", "r+");
    lockTemporary(fd);
    await host.restore({ target, overwrite: "changed" });
    expect(existsSync(left ?? "")).toBe(false);
    expect(readdirSync(join(target, "d"))).toHaveLength(before - 1);
    closeSync(fd);
    await host.restore({ target, overwrite: "changed" });
    expect(existsSync(used ?? "")).toBe(false);
    expect(readdirSync(join(target, "d"))).toHaveLength(before - 2);
  });

  test("leaves no temporary file for the next backup to store", async () => {
    writeFileSync(join(host.source, temporaryName()), "part of a file");
    writeFileSync(join(host.source, ".holdfast-restore-notes"), "of a user");
    await host.backup();
    const target = host.path("target");
    await host.restore({ target });
    expect(readdirSync(target)).toEqual([".holdfast-restore-notes"]);
  });
});

test.skipIf(skipUnless("targets with mounts are not tested: mount --bind is refused", withMounts()))(
  "names of one file that cannot be linked in the target become copies, and that is told",
  async () => {
    mkdirSync(join(host.source, "other"));
    writeFileSync(join(host.source, "a"), "content");
    linkSync(join(host.source, "a"), join(host.source, "other", "a"));
    symlinkSync("nowhere", join(host.source, "l"));
    linkSync(join(host.source, "l"), join(host.source, "other", "l"));
    if (isRoot) chownSync(join(host.source, "a"), nobody, nobody);
    await host.backup();
    const target = host.path("target");
    mkdirSync(join(target, "other"), { recursive: true });
    mkdirSync(host.path("elsewhere"));
    expect(run("mount", "-t", "tmpfs", "none", join(target, "other"))).toBe("");
    try {
      const { outcome, errors, notices } = await host.restore({ target, overwrite: "changed" });
      expect({ outcome, errors }).toEqual({ outcome: "ok", errors: [] });
      expect(notices.filter(({ message }) => message.includes("copy"))).toHaveLength(2);
      expect(readFileSync(join(target, "other", "a"), "utf8")).toBe("content");
      expect(statSync(join(target, "other", "a")).mtimeMs).toBe(statSync(join(host.source, "a")).mtimeMs);
      if (isRoot) expect(statSync(join(target, "other", "a")).uid).toBe(nobody);
      expect(readlinkSync(join(target, "other", "l"))).toBe("nowhere");
    } finally {
      run("umount", join(target, "other"));
    }
  },
);
