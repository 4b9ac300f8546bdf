import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { compareTrees, describeDifferences } from "#infra-tests/fidelity/compare-trees.ts";
import { makeTree } from "#infra-tests/fidelity/make-tree.ts";
import { Sandbox } from "./sandbox.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stderr.write("NOT ROOT: owners, devices, trusted attributes and capabilities are not tested\n");

const sandboxes: Sandbox[] = [];
afterAll(() => {
  for (const each of sandboxes) each.remove();
});

function newSandbox(directory?: string): Sandbox {
  const made = new Sandbox(directory === undefined ? {} : { in: directory });
  sandboxes.push(made);
  return made;
}

describe.runIf(process.platform === "linux")("a tree of everything that a file system can hold", () => {
  const places = [
    { where: "on the disk", directory: undefined },
    ...(existsSync("/dev/shm") ? [{ where: "in memory", directory: "/dev/shm" }] : []),
  ];
  test.each(places)(
    "$where comes back the same in every attribute, whole, in part and in place",
    async ({ directory }) => {
      const sandbox = newSandbox(directory);
      const tree = sandbox.path("tree");
      const { missing } = makeTree(tree, { manyFiles: 1500 });
      if (missing.length > 0) process.stderr.write(`not made here: ${missing.length}, such as ${missing[0]}\n`);
      const at = ["at", sandbox.path("store")];
      await sandbox.do([...at, "create"]);
      const backup = await sandbox.events([...at, "backup", tree]);
      expect(backup.events.filter(({ event }) => event === "entryError")).toEqual([]);
      expect(backup.status).toBe(0);

      const restored = await sandbox.events([...at, "restore", "latest", "--to", sandbox.path("whole")]);
      expect(restored.events.filter(({ event }) => event === "entryError")).toEqual([]);
      expect(restored.status).toBe(0);
      const whole = join(sandbox.path("whole"), tree);
      const comparison = compareTrees(tree, whole);
      expect(describeDifferences(comparison)).toBe("");
      expect(comparison.comparedEntries).toBeGreaterThan(1800);
      expect(acls(whole)).toBe(acls(tree));

      const unchanged = await sandbox.events([...at, "backup", tree]);
      expect(unchanged.events.at(-1)).toMatchObject({ outcome: "ok", changed: 0, newBytes: 0 });

      await sandbox.do([...at, "restore", `latest:${tree}/extended`, "--to", sandbox.path("part")]);
      const part = compareTrees(join(tree, "extended"), sandbox.path("part"));
      // The target directory itself stays as it was made.
      expect(part.differences.filter(({ path }) => path !== "")).toEqual([]);

      // What the program's own restore made is as good a source as any, and nothing in it needs to be rewritten.
      const again = await sandbox.events([
        ...at,
        "restore",
        "latest",
        "--to",
        sandbox.path("whole"),
        "--overwrite",
        "changed",
      ]);
      expect(again.events.at(-1)).toMatchObject({ outcome: "ok", failed: 0, restoredBytes: 0 });
      expect(describeDifferences(compareTrees(tree, whole))).toBe("");
    },
  );
});

function acls(root: string): string {
  const { stdout } = spawnSync("getfacl", ["-R", "-P", "-n", "extended"], { cwd: root, encoding: "latin1" });
  return stdout.split("\n\n").sort().join("\n\n");
}
