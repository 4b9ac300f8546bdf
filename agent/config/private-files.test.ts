import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { agentIdentity } from "./agent-identity.ts";
import { directories } from "./directories.ts";
import { readEnvironment } from "./environment.ts";
import { privateDirectory } from "./private-directory.ts";
import { writePrivateFile } from "./write-private-file.ts";

let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), "holdfast-files-"))));
afterAll(() => rm(directory, { recursive: true }));

const mode = async (path: string) => (await stat(path)).mode & 0o777;

test("readEnvironment takes the secrets out of the variables", () => {
  const variables = {
    HOLDFAST_PASSPHRASE: "x",
    HOLDFAST_MOUNT_ACCESS: "{}",
    HOLDFAST_WRAPPER_PID: "7",
    HOLDFAST_STORE: "",
    XDG_CACHE_HOME: "relative",
    NO_COLOR: "1",
    HOME: "/h",
  };
  expect(readEnvironment(variables, () => "/other")).toEqual({
    store: undefined,
    passphrase: "x",
    mountAccess: "{}",
    wrapperPid: 7,
    proxies: {},
    debug: false,
    noColor: true,
    term: undefined,
    home: "/h",
    xdgCache: undefined,
    xdgData: undefined,
  });
  expect(variables).not.toHaveProperty("HOLDFAST_PASSPHRASE");
  expect(variables).not.toHaveProperty("HOLDFAST_MOUNT_ACCESS");
  expect(variables).not.toHaveProperty("HOLDFAST_WRAPPER_PID");
});

test("directories follow the XDG specification and --cache-dir", () => {
  const plain = readEnvironment({}, () => "/h");
  expect(directories(plain)).toEqual({ cache: "/h/.cache/holdfast", data: "/h/.local/share/holdfast" });
  const set = readEnvironment({ XDG_CACHE_HOME: "/c", XDG_DATA_HOME: "/d" }, () => "/h");
  expect(directories(set)).toEqual({ cache: "/c/holdfast", data: "/d/holdfast" });
  expect(directories(set, "/mine").cache).toBe("/mine");
});

test("privateDirectory makes a directory that is nobody else's, and takes rights away", async () => {
  const path = await privateDirectory(join(directory, "a", "b"));
  expect(await mode(path)).toBe(0o700);
  await chmod(path, 0o755);
  await privateDirectory(path);
  expect(await mode(path)).toBe(0o700);
});

test("privateDirectory refuses what is no directory", async () => {
  await writeFile(join(directory, "file"), "");
  await expect(privateDirectory(join(directory, "file"))).rejects.toMatchObject({ kind: "conflict" });
});

test("writePrivateFile writes whole, private files, and leaves nothing else behind", async () => {
  const home = await privateDirectory(join(directory, "w"));
  const path = join(home, "key");
  await writePrivateFile(path, "one", "refuse");
  expect(await mode(path)).toBe(0o600);
  await expect(writePrivateFile(path, "two", "refuse")).rejects.toMatchObject({ kind: "conflict" });
  expect(await readFile(path, "utf8")).toBe("one");
  await writePrivateFile(path, "three", "replace");
  expect(await readFile(path, "utf8")).toBe("three");
  await expect(writePrivateFile(join(home, "no", "x"), "", "refuse")).rejects.toMatchObject({ kind: "absent" });
  expect(await readdir(home)).toEqual(["key"]);
});

test("the agent's identity is made once, also by racing processes, and stays", async () => {
  const home = join(directory, "identity");
  const racers = await Promise.all([agentIdentity(home), agentIdentity(home), agentIdentity(home)]);
  const keys = racers.map(({ publicKey }) => Buffer.from(publicKey).toString("hex"));
  expect(new Set(keys).size).toBe(1);
  expect(await mode(join(home, "agent-identity"))).toBe(0o600);
  expect(Buffer.from((await agentIdentity(home)).publicKey).toString("hex")).toBe(keys[0]);
});

test("an identity that others may read, or that is no seed, is refused", async () => {
  const home = join(directory, "open");
  await agentIdentity(home);
  await chmod(join(home, "agent-identity"), 0o640);
  await expect(agentIdentity(home)).rejects.toMatchObject({ kind: "denied" });
  await writeFile(join(home, "agent-identity"), "short");
  await chmod(join(home, "agent-identity"), 0o600);
  await expect(agentIdentity(home)).rejects.toMatchObject({ kind: "corrupt" });
});
