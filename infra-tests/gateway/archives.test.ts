import { execFile, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SmallHost } from "#agent/engine/small-host.testing.ts";
import { mountOf, serveSmall, type SmallGateway } from "#gateway/small-gateway.testing.ts";
import { compareTrees, type TreeAttribute } from "#infra-tests/fidelity/compare-trees.ts";
import { makeTree, removeTree } from "#infra-tests/fidelity/make-tree.ts";

let host: SmallHost;
let small: SmallGateway;

beforeAll(async () => {
  host = await SmallHost.make();
  removeTree(host.source);
  makeTree(host.source, { manyFiles: 40, lateFlags: false });
  // No tar and no unzip makes a path of more than 4096 bytes.
  removeTree(join(host.source, "deep"));
  await host.backup();
  small = await serveSmall(await mountOf(host.store, "snapshot", host.source));
}, 60_000);
afterAll(async () => {
  await small.gateway.close(0);
  removeTree(host.source);
  host.remove();
});

/** Downloads an archive by curl, unpacks it by a program that others wrote, and tells how the tree differs from its source. */
async function unpacked(kind: "tar" | "zip", ignore: readonly TreeAttribute[]): Promise<string[]> {
  const target = host.path(`from ${kind}`);
  mkdirSync(target);
  const file = host.path(`download.${kind}`);
  // Not spawnSync: the gateway is in this process.
  const curl = await promisify(execFile)("curl", ["-sSf", "-m", "20", "-o", file, `${small.url}/?${kind}`]);
  expect(curl.stderr).toBe("");
  const [program, ...args] =
    kind === "tar"
      ? [
          "tar",
          "--xattrs",
          "--xattrs-include=*",
          "--acls",
          "--same-owner",
          "--numeric-owner",
          "-xpf",
          file,
          "-C",
          target,
        ]
      : ["unzip", "-q", "-X", "-K", "-o", file, "-d", target];
  const result = spawnSync(program!, args, { encoding: "latin1", env: { ...process.env, TZ: "UTC" }, timeout: 20_000 });
  expect([result.status, result.stderr]).toEqual([kind === "tar" ? 0 : expect.any(Number), expect.any(String)]);
  const top = spawnSync("ls", [target], { encoding: "utf8" }).stdout.trim();
  const { differences } = compareTrees(host.source, `${target}/${top}`, ignore);
  removeTree(target);
  return differences.map(({ path, attribute, expected, actual }) => `${path} ${attribute} ${expected} ${actual}`);
}

test.runIf(spawnSync("tar", ["--version"]).status === 0)("a tar unpacks to the tree that was backed up", async () => {
  const differences = await unpacked("tar", ["flags", "holes"]);
  expect(differences).toEqual(["special/socket present yes no", "HOLDFAST-MISSING.txt present no yes"]);
});

test.runIf(spawnSync("unzip", ["-v"]).status === 0)("a zip unpacks to it, as far as a zip can hold it", async () => {
  const differences = await unpacked("zip", ["flags", "holes", "xattrs", "links", "mtime", "device"]);
  // unzip itself leaves control characters and broken UTF-8 out of names.
  expect(differences.filter((line) => !/^"?names\//.test(line))).toEqual([
    "extended/fifo present yes no",
    ...["fifo", "fifo-too", "high", "loop", "null", "socket", "zero"].map((name) => `special/${name} present yes no`),
    "HOLDFAST-MISSING.txt present no yes",
  ]);
});
