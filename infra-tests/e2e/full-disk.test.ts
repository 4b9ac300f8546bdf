import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compareTrees, describeDifferences } from "#infra-tests/fidelity/compare-trees.ts";
import { systemRandom } from "#shared/random.ts";
import { Sandbox } from "./sandbox.ts";

const sandbox = new Sandbox();
const source = sandbox.path("source");
const small = sandbox.path("small");
const files = 24;
afterAll(() => sandbox.remove());

function mount(...words: readonly string[]): string {
  const { status, stderr, error } = spawnSync("mount", words, { encoding: "utf8" });
  return status === 0 ? "" : (error?.message ?? stderr.trim());
}

mkdirSync(small);
const refused = mount("-t", "tmpfs", "-o", "size=8m,mode=755", "holdfast-e2e", small);
if (refused !== "") {
  process.stderr.write(`SKIPPED: full disks are not tested, since no small file system could be mounted: ${refused}\n`);
}

beforeAll(() => {
  mkdirSync(source);
  for (let n = 0; n < files; n++) writeFileSync(join(source, `file-${n}`), systemRandom(1 << 20));
});

describe.skipIf(refused !== "")("a disk of 8 MiB", () => {
  test("that fills during restore: fetching stops, what is there is whole, the end is unavailable and says how far it came", async () => {
    const at = ["at", sandbox.path("store")];
    await sandbox.do([...at, "create"]);
    await sandbox.do([...at, "backup", source]);
    const target = join(small, "restored");
    const { status, stdout, stderr } = await sandbox.run([...at, "restore", `latest:${source}`, "--to", target]);
    expect({ status, stdout }).toEqual({ status: 69, stdout: "" });
    expect(stderr).toMatch(
      /^holdfast: Cannot go on with the restore: .*no space left on device\. \d+ of 24 entries were dealt with before .*the others are missing/m,
    );
    const there = readdirSync(target);
    expect(there.length).toBeGreaterThan(2);
    expect(there.length).toBeLessThan(files);
    for (const name of there)
      expect(readFileSync(join(target, name)).equals(readFileSync(join(source, name))), name).toBe(true);
    expect(stderr.match(/^error: /gm)).toHaveLength(1);
    expect(stderr).toMatch(/^error: file-\d+: .*no space left on device \(ENOSPC\)$/m);

    expect(mount("-o", "remount,size=80m", small)).toBe("");
    const again = ["restore", `latest:${source}`, "--to", target, "--overwrite", "changed"];
    const { status: secondStatus, events } = await sandbox.events([...at, ...again]);
    expect({ secondStatus, report: events.at(-1) }).toMatchObject({
      secondStatus: 0,
      report: { event: "report", kept: there.length, files },
    });
    expect(describeDifferences(compareTrees(source, target, ["mtime"]))).toBe("");
    spawnSync("rm", ["-rf", target]);
    expect(mount("-o", "remount,size=8m", small)).toBe("");

    await sandbox.do([...at, "restore", `latest:${source}/file-1`, "--to", target]);
    expect(readdirSync(target)).toEqual(["file-1"]);
    spawnSync("rm", ["-rf", target]);
  });

  test("that holds the store and fills during backup: no snapshot, unavailable; with more space the next run goes on", async () => {
    const at = ["at", join(small, "store")];
    await sandbox.do([...at, "create"]);
    await sandbox.do([...at, "backup", join(source, "file-0")]);
    const { status, stdout, stderr } = await sandbox.run([...at, "backup", source]);
    expect({ status, stdout }).toEqual({ status: 69, stdout: "" });
    expect(stderr).toMatch(/^holdfast: .*the disk is full \(unavailable, exit code 69\)$/m);
    const listed = await sandbox.events([...at, "ls"]);
    expect(listed).toMatchObject({ status: 0, events: [{ event: "snapshot", paths: [join(source, "file-0")] }] });
    expect(await sandbox.do([...at, "check", "--read"])).toBe("");
    expect(readdirSync(join(small, "store", "tmp"))).toEqual([]);

    expect(mount("-o", "remount,size=80m", small)).toBe("");
    await sandbox.do([...at, "backup", source]);
    await sandbox.do([...at, "restore", `latest:${source}`, "--to", sandbox.path("from-small")]);
    expect(describeDifferences(compareTrees(source, sandbox.path("from-small"), ["mtime"]))).toBe("");
  });

  test("that is read-only: what only reads works, and what writes says unavailable", async () => {
    const at = ["at", join(small, "store")];
    expect(mount("-o", "remount,ro", small)).toBe("");
    try {
      expect((await sandbox.events([...at, "ls"])).events).toHaveLength(2);
      await sandbox.do([...at, "cat", `latest:${source}/file-1`]);
      await sandbox.do([...at, "check"]);
      for (const args of [
        ["backup", source],
        ["rm", "--apply", "latest"],
        ["key", "add", "--out", sandbox.path("new.key")],
      ]) {
        const { status, stderr } = await sandbox.run([...at, ...args]);
        expect({ args, status, stderr }).toEqual({
          args,
          status: 69,
          stderr: expect.stringMatching(/is read-only|read-only file system/),
        });
      }
      expect((await sandbox.run(["at", join(small, "other"), "create"])).status).toBe(69);
      const into = await sandbox.run([...at, "restore", "latest", "--to", join(small, "restored")]);
      expect({ status: into.status, stderr: into.stderr }).toEqual({
        status: 69,
        stderr: expect.stringMatching(/read-only file system/),
      });
      expect(existsSync(sandbox.path("new.key"))).toBe(false);
    } finally {
      mount("-o", "remount,rw", small);
    }
  });

  test("that holds the agent's own files and is full: a backup says so, and restores and lists go on", async () => {
    const at = ["at", sandbox.path("store")];
    const home = join(small, "home");
    mkdirSync(home);
    const env = { XDG_DATA_HOME: home, XDG_CACHE_HOME: home };
    // The agent's identity is made by the first backup; the disk is full from the second on.
    await sandbox.do([...at, "backup", "--host", "other", join(source, "file-3")], { env });
    spawnSync("dd", ["if=/dev/zero", `of=${join(small, "filler")}`, "bs=64k", "status=none"]);
    const backup = await sandbox.run([...at, "backup", "--force", "--host", "other", join(source, "file-3")], { env });
    const listed = await sandbox.run([...at, "ls"], { env });
    expect({ backup: backup.status, listed: listed.status }, backup.stderr + listed.stderr).toEqual({
      backup: 0,
      listed: 0,
    });
  });
});
