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

  test.runIf(isRoot)(
    "restored by a user who may not give files away is the same but for what is reported",
    async () => {
      const sandbox = newSandbox();
      const tree = sandbox.path("tree");
      makeTree(tree, { manyFiles: 20, lateFlags: false });
      const store = sandbox.path("store");
      await sandbox.do(["at", store, "create"]);
      await sandbox.do(["at", store, "backup", tree]);
      const target = sandbox.path("home", "target");
      spawnSync("chown", ["-R", "65534:65534", store]);
      const restored = await sandbox.events(["at", store, "restore", `latest:${tree}`, "--to", target], {
        env: { XDG_CACHE_HOME: sandbox.path("home", "c"), XDG_DATA_HOME: sandbox.path("home", "d") },
        by: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
      });
      expect(restored.status).toBe(3);
      const reported = new Set<string>();
      for (const { event, kind, path, pathBase64 } of restored.events) {
        if (event !== "entryError") continue;
        const bytes =
          typeof pathBase64 === "string" ? Buffer.from(pathBase64, "base64") : Buffer.from(String(path), "utf8");
        reported.add(`${shown(bytes)} ${String(kind)}`);
      }
      const differing = compareTrees(tree, target).differences.filter(({ path }) => path !== "");
      // What several names share is told of the first of them.
      const isLater = (path: string) => /(second|third|-too)$/.test(path);
      const isReported = (path: string, attribute: string) =>
        (attribute === "present" ? ["character-device", "block-device"] : [attribute]).some((each) =>
          reported.has(`${path} ${each}`),
        );
      const unreported = differing.filter(({ path, attribute }) => !isLater(path) && !isReported(path, attribute));
      expect(differing.length).toBeGreaterThan(500);
      expect(unreported).toEqual([]);
    },
  );
});

/** A path as `compareTrees` shows it. */
function shown(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  if (Buffer.from(text, "utf8").equals(bytes) && !/\p{C}/u.test(text)) return text;
  return JSON.stringify(bytes.toString("latin1"));
}

function acls(root: string): string {
  const { stdout, error } = spawnSync("getfacl", ["-R", "-P", "-n", "extended"], { cwd: root, encoding: "latin1" });
  if (error !== undefined) {
    process.stderr.write("SKIPPED: ACLs are not compared, since getfacl is not installed\n");
    return "";
  }
  return stdout.split("\n\n").sort().join("\n\n");
}
