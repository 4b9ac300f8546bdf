import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SmallHost } from "#agent/engine/small-host.testing.ts";
import { mountOf, serveSmall, type SmallGateway } from "#gateway/small-gateway.testing.ts";
import { compareTrees, type TreeAttribute } from "#infra-tests/fidelity/compare-trees.ts";
import { noise } from "#shared/operations/small-store.testing.ts";
import { clientPath, clientsDirectory, missing, runClient } from "./real-client.ts";
import { removeMount, waitForMount } from "./fuse-mount.ts";

/** What WebDAV has no words for. */
const untold: readonly TreeAttribute[] = ["mode", "owner", "links", "xattrs", "flags", "holes", "device"];

let host: SmallHost;
let small: SmallGateway;

beforeAll(async () => {
  host = await SmallHost.make();
  const many = `${host.source}/many`;
  mkdirSync(many);
  mkdirSync(`${host.source}/deep/er/empty`, { recursive: true });
  for (let index = 0; index < 120; index++) writeFileSync(`${many}/file ${index}`, `content of ${index}\n`);
  for (const name of [
    "plus+and&",
    "per%cent",
    "quote'\"",
    "hash#question?",
    "ünïcode 日本 😀",
    ".hidden",
    " leading",
  ]) {
    writeFileSync(`${host.source}/deep/${name}`, `this is ${name}`);
  }
  writeFileSync(`${host.source}/deep/big`, noise("big", 1_000_000));
  writeFileSync(`${host.source}/deep/nothing`, "");
  await host.backup();
  small = await serveSmall(await mountOf(host.store, "snapshot", host.source), {
    listeners: [{ host: "127.0.0.1", port: 0, protocols: ["http", "webdav"] }],
  });
}, 60_000);
afterAll(async () => {
  await small.gateway.close(0);
  expect(small.faults).toEqual([]);
  host.remove();
});

const differences = (copy: string, ignore: readonly TreeAttribute[] = untold): string[] =>
  compareTrees(host.source, copy, ignore).differences.map(
    ({ path, attribute, expected, actual }) => `${path} ${attribute} ${expected} ${actual}`,
  );
/** HTTP tells seconds. */
function isPartOfSecond(line: string): boolean {
  const [, expected, actual] = / mtime (\d+)\d{9} ns (\d+)\d{9} ns$/.exec(line) ?? [];
  return expected !== undefined && expected === actual;
}
const url = (): string => `${small.url}/dav/`;

const rclone = clientPath("rclone");
const remote = (): string => `:webdav,url='${url()}':`;
test.runIf(rclone)(`rclone copies all, and finds no difference: ${rclone ?? missing("rclone")}`, async () => {
  const target = host.path("by rclone");
  const copied = await runClient("rclone", [
    "copy",
    "--create-empty-src-dirs",
    "--config",
    "/dev/null",
    remote(),
    target,
  ]);
  expect(copied).toEqual({ status: 0, stdout: "", stderr: expect.any(String) });
  expect(differences(target, [...untold, "mtime"])).toEqual([]);
  const checked = await runClient("rclone", ["check", "--download", "--config", "/dev/null", host.source, remote()]);
  expect(checked.status, checked.stderr).toBe(0);
  const refused = await runClient(
    "rclone",
    ["--retries", "1", "--low-level-retries", "1", "--config", "/dev/null", "rcat", `${remote()}new`],
    { input: "x" },
  );
  expect(refused.status).not.toBe(0);
});

const canMount = rclone !== undefined && clientPath("fusermount") !== undefined && existsSync("/dev/fuse");
test.runIf(canMount)(`rclone mounts it: ${canMount ? "" : missing("rclone with FUSE")}`, async () => {
  const target = host.path("mounted by rclone");
  mkdirSync(target);
  const mounting = runClient("rclone", ["mount", "--config", "/dev/null", "--read-only", remote(), target]);
  try {
    await waitForMount(target);
    const copy = host.path("out of rclone");
    // Not -a: what that asks beyond content, rclone 1.60 answers by an error of its own.
    const copied = await runClient("cp", ["-r", target, copy]);
    expect(copied.status, copied.stderr).toBe(0);
    expect(differences(copy, [...untold, "mtime"])).toEqual([]);
  } finally {
    await removeMount(target);
    await mounting;
  }
});

const cadaver = clientPath("cadaver");
test.runIf(cadaver)(`cadaver lists, gets and is refused: ${cadaver ?? missing("cadaver")}`, async () => {
  const target = host.path("by cadaver");
  mkdirSync(target);
  const input = "ls\ncd deep\nls\nget big\npropget big\nmkcol new\ndelete big\nlock big\nquit\n";
  const { status, stdout } = await runClient("cadaver", [url()], { input, cwd: target, env: { HOME: target } });
  expect(status).toBe(0);
  expect(stdout).toMatch(/Coll:\s+deep/);
  expect(stdout).toMatch(/big\s+1000000/);
  expect(readFileSync(`${target}/big`).equals(readFileSync(`${host.source}/deep/big`))).toBe(true);
  expect(stdout.match(/403 Forbidden/g)?.length).toBeGreaterThanOrEqual(2);
});

const davfs = recentDavfs();

/** Debian's davfs2 1.6 asks for confirmations that this test cannot give. */
function recentDavfs(): string | undefined {
  const path = clientPath("mount.davfs");
  if (path === undefined) return undefined;
  const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
  return /^davfs2 1\.(?:[7-9]|\d\d)/.test(stdout) ? path : undefined;
}

test.runIf(davfs)(`davfs2 mounts it: ${davfs ?? missing("davfs2 1.7")}`, async () => {
  const target = host.path("by davfs2");
  mkdirSync(target);
  mkdirSync(host.path("davfs-cache"));
  // It runs as a user of its own.
  chmodSync(host.path("davfs-cache"), 0o777);
  chmodSync(host.directory, 0o755);
  writeFileSync(host.path("davfs2.conf"), `cache_dir ${host.path("davfs-cache")}\nask_auth 0\nuse_locks 0\n`, {
    mode: 0o600,
  });
  const mounted = await runClient(
    "mount.davfs",
    ["-o", `ro,conf=${host.path("davfs2.conf")},uid=0,gid=0`, url(), target],
    { input: "n\nn\n" },
  );
  try {
    expect(mounted.status, mounted.stderr).toBe(0);
    await waitForMount(target);
    const copy = host.path("out of davfs2");
    expect((await runClient("cp", ["-a", target, copy])).status).toBe(0);
    expect(differences(copy).filter((line) => !isPartOfSecond(line) && !line.startsWith("lost+found"))).toEqual([]);
  } finally {
    await removeMount(target);
  }
});

const library = `${clientsDirectory}node_modules/webdav/dist/node/index.js`;
const hasLibrary = clientPath("../node_modules/webdav/package.json") !== undefined;
test.runIf(hasLibrary)(`npm's webdav reads and is refused: ${hasLibrary ? "" : missing("webdav of npm")}`, async () => {
  type Client = {
    getDirectoryContents(path: string): Promise<{ basename: string; type: string; size: number }[]>;
    getFileContents(path: string): Promise<Buffer>;
    stat(path: string): Promise<{ size: number; lastmod: string }>;
    exists(path: string): Promise<boolean>;
    putFileContents(path: string, data: string): Promise<boolean>;
  };
  const loaded = (await import(pathToFileURL(library).href)) as { readonly createClient: (url: string) => Client };
  const client = loaded.createClient(url());
  const listed = await client.getDirectoryContents("/deep");
  expect(listed.map(({ basename }) => basename)).toEqual(
    expect.arrayContaining(["er", "plus+and&", "per%cent", "hash#question?", "ünïcode 日本 😀"]),
  );
  for (const { basename, type } of listed) {
    if (type !== "file") continue;
    const content = await client.getFileContents(`/deep/${basename}`);
    expect(Buffer.from(content).equals(readFileSync(`${host.source}/deep/${basename}`)), basename).toBe(true);
  }
  expect((await client.stat("/deep/big")).size).toBe(1_000_000);
  expect(await client.exists("/none")).toBe(false);
  await expect(client.putFileContents("/new", "x")).rejects.toThrow("403");
});

const litmus = clientPath("litmus");
test.runIf(litmus)(
  `litmus, which wants to write, is refused and harms nothing: ${litmus ?? missing("litmus")}`,
  async () => {
    const { stdout } = await runClient("litmus", ["-k", url()], {
      env: { TESTS: "http basic copymove props locks" },
      cwd: host.directory,
    });
    expect(stdout).toMatch(/running `basic'/);
    expect(stdout).toMatch(/MKCOL|begin/);
    expect((await fetch(url(), { method: "PROPFIND", headers: { Depth: "0" } })).status).toBe(207);
  },
);
