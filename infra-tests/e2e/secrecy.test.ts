import { mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemRandom } from "#shared/random.ts";
import { Sandbox } from "./sandbox.ts";

/** Not a word that could be anywhere by chance. */
const secret = "xyzzy-Kein-Zufall-7031";
const secretName = "plain-name-of-a-secret-file";
const secretContent = "the plaintext of a secret file";

const sandbox = new Sandbox();
const store = sandbox.path("store");
const source = sandbox.path("source");
const at = ["at", store];
const withSecret = { env: { HOLDFAST_PASSPHRASE: secret } };
afterAll(() => sandbox.remove());

beforeAll(async () => {
  mkdirSync(source);
  writeFileSync(join(source, secretName), secretContent);
  for (let n = 0; n < 8; n++) writeFileSync(join(source, `large-${n}`), systemRandom(8 << 20));
  await sandbox.do([...at, "create", "--recovery-key-file", sandbox.path("recovery.txt")], withSecret);
});

/** All paths below a directory, itself first, with the links among them. */
function below(directory: string): string[] {
  return [
    directory,
    ...readdirSync(directory, { recursive: true, encoding: "utf8" }).map((name) => join(directory, name)),
  ];
}

test("no secret is in the arguments, the environment, the title or the threads' names of a running process", async () => {
  const run = sandbox.start(["--passphrase-command", "printf '%s' \"$PHRASE\"", ...at, "backup", source], {
    env: { HOLDFAST_PASSPHRASE: undefined, PHRASE: secret },
  });
  await run.ended;
  const withVariable = sandbox.start([...at, "backup", "--force", source], withSecret);
  const seen = { processes: 0, threads: 0 };
  const recovery = readFileSync(sandbox.path("recovery.txt"), "utf8").trim();
  while (withVariable.child.exitCode === null && withVariable.child.signalCode === null) {
    const proc = `/proc/${withVariable.child.pid}`;
    try {
      for (const name of ["cmdline", "comm"]) {
        const text = readFileSync(`${proc}/${name}`, "latin1");
        expect(text).not.toContain(secret);
        expect(text).not.toContain(recovery);
        seen.processes++;
      }
      for (const task of readdirSync(`${proc}/task`)) {
        expect(readFileSync(`${proc}/task/${task}/comm`, "latin1")).not.toContain(secret);
        seen.threads++;
      }
    } catch (error) {
      if (!(error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")))
        throw error;
    }
    await sleep(5);
  }
  expect((await withVariable.ended).status).toBe(0);
  expect(seen.processes).toBeGreaterThan(4);
  expect(seen.threads).toBeGreaterThan(10);
});

test("what the program starts does not inherit the passphrase", async () => {
  const command = `env > ${sandbox.path("inherited")}; echo another passphrase`;
  await sandbox.do([...at, "key", "add", "--new-passphrase-command", command], withSecret);
  const inherited = readFileSync(sandbox.path("inherited"), "utf8");
  expect(inherited).toContain("PATH=");
  expect(inherited).not.toContain(secret);
  expect(inherited).not.toContain("HOLDFAST_PASSPHRASE");
});

test("nothing that is printed, and no file of the store or the agent, has a secret, a name or content in plain", async () => {
  const outputs: string[] = [];
  const debug = { env: { HOLDFAST_PASSPHRASE: secret, HOLDFAST_DEBUG: "1" } };
  for (const args of [
    ["check", "--read"],
    ["info"],
    ["key", "list"],
    ["ls"],
    ["rm", "latest"],
    ["backup", join(source, "none")],
  ]) {
    for (const json of [[], ["--json"]]) {
      const { stdout, stderr } = await sandbox.run([...json, ...at, ...args], debug);
      outputs.push(stdout, stderr);
    }
  }
  const wrong = await sandbox.run([...at, "ls"], { env: { HOLDFAST_PASSPHRASE: `${secret}!`, HOLDFAST_DEBUG: "1" } });
  expect(wrong.status).toBe(77);
  outputs.push(wrong.stdout, wrong.stderr);
  const recovery = readFileSync(sandbox.path("recovery.txt"), "utf8").trim();
  const printed = outputs.join("");
  expect(printed.length).toBeGreaterThan(1000);
  for (const word of [secret, recovery]) expect(printed).not.toContain(word);

  const files = [...below(store), ...below(sandbox.path("home"))].filter(
    (path) => statSync(path).isFile() && !path.includes("/compiled/"),
  );
  expect(files.length).toBeGreaterThan(8);
  for (const path of files) {
    const bytes = readFileSync(path);
    for (const word of [secret, recovery, recovery.replaceAll("-", ""), secretName, secretContent]) {
      expect(bytes.includes(word), `${path} has "${word}"`).toBe(false);
      expect(path).not.toContain(word);
    }
  }
});

test("whatever the umask, files of the store and of the agent are its user's alone", async () => {
  const umask = ["/bin/sh", "-c", 'umask 000; exec "$0" "$@"'];
  const other = sandbox.path("other");
  const env = { XDG_CACHE_HOME: sandbox.path("other-cache"), XDG_DATA_HOME: sandbox.path("other-data") };
  await sandbox.do(["at", other, "create", "--recovery-key-file", sandbox.path("other.txt")], { env, by: umask });
  await sandbox.do(["at", other, "key", "add", "--role", "writer", "--out", sandbox.path("other.key")], {
    env,
    by: umask,
  });
  await sandbox.do(["at", other, "backup", source], { env, by: umask });
  const roots = [
    other,
    sandbox.path("other-cache", "holdfast"),
    sandbox.path("other-data", "holdfast"),
    sandbox.path("other.txt"),
    sandbox.path("other.key"),
  ];
  const open = roots
    .flatMap((root) => (statSync(root).isDirectory() ? below(root) : [root]))
    // Node makes the directory of its compile cache, inside one that nobody else can enter.
    .filter((path) => !path.includes("/compiled/") && (statSync(path).mode & 0o077) !== 0);
  expect(open).toEqual([]);
  expect(statSync(sandbox.path("other.key")).mode & 0o777).toBe(0o600);
});

test("restored files have their modes whatever the umask, and are nobody else's while they are written", async () => {
  writeFileSync(join(source, "shared"), "for all", { mode: 0o666 });
  const umask = (mask: string) => ["/bin/sh", "-c", `umask ${mask}; exec "$0" "$@"`];
  await sandbox.do([...at, "backup", source], withSecret);
  for (const mask of ["077", "000"]) {
    const target = sandbox.path(`umask-${mask}`);
    await sandbox.do([...at, "restore", `latest:${source}`, "--to", target], { ...withSecret, by: umask(mask) });
    for (const name of readdirSync(source)) {
      expect(statSync(join(target, name)).mode, name).toBe(statSync(join(source, name)).mode);
    }
  }
});

test("names that would command a terminal are shown escaped, everywhere", async () => {
  const hostile = sandbox.path("hostile");
  mkdirSync(hostile);
  const name = "\u001b]0;owned\u0007\u001b[2J\r\nnew line\u202e\u009b31m";
  writeFileSync(join(hostile, name), "x");
  writeFileSync(Buffer.concat([Buffer.from(`${hostile}/`), Buffer.from([0xff, 0x1b, 0x5b, 0x41])]), "y", {
    mode: 0o000,
  });
  const tag = "tag\u001b[31m";
  const outputs = [
    await sandbox.run([...at, "backup", "--tag", tag, "--name", name, "--host", name, hostile], withSecret),
    await sandbox.run([...at, "ls"], withSecret),
    await sandbox.run([...at, "ls", "-lr", `latest@${name}`], withSecret),
    await sandbox.run([...at, "info", "--errors", `latest@${name}`], withSecret),
    await sandbox.run([...at, "rm", `latest@${name}`], withSecret),
    await sandbox.run([...at, "restore", `latest@${name}`, "--to", sandbox.path("hostile-out")], withSecret),
    await sandbox.run([...at, "restore", `latest@${name}`, "--to", join(hostile, name)], withSecret),
    await sandbox.run([...at, "backup", join(hostile, `${name}-none`)], withSecret),
    await sandbox.run([...at, "key", "add", "--label", name, "--out", sandbox.path("hostile.key")], withSecret),
    await sandbox.run([...at, "key", "list"], withSecret),
    await sandbox.run(["at", name, "ls"], withSecret),
    await sandbox.run([name], withSecret),
    await sandbox.run([...at, "ls", `--${name}`], withSecret),
    await sandbox.run(["--json", ...at, "ls", "-r", `latest@${name}`], withSecret),
    await sandbox.run([...at, "info", "latest~99"], withSecret),
  ];
  for (const { stdout, stderr } of outputs) {
    // oxlint-disable-next-line no-control-regex
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  }
  expect(outputs.slice(0, 6).map(({ status }) => status)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(readFileSync(join(sandbox.path("hostile-out"), hostile, name), "utf8")).toBe("x");
});

test("the store's files that are open are not inherited by a passphrase command", async () => {
  const list = `ls -l /proc/self/fd > ${sandbox.path("descriptors")}; printf '%s\\n' '${secret}'`;
  await sandbox.do(["--passphrase-command", list, ...at, "ls"], { env: { HOLDFAST_PASSPHRASE: undefined } });
  expect(readFileSync(sandbox.path("descriptors"), "utf8")).not.toContain(store);
  expect(readlinkSync("/proc/self/exe")).not.toBe("");
});
