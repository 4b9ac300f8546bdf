import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { passphrase, type RunOptions, Sandbox } from "./sandbox.ts";

// Streams as they come: by a pipe of a shell, and from a command that the program runs.

const sandbox = new Sandbox();
const at = ["at", sandbox.path("store")];
const node = process.execPath;
/** Prints so many bytes that no two chunks are alike, and that are the same each time. */
const printer = `
  const { createCipheriv } = require("crypto");
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, 1), Buffer.alloc(16));
  let left = Number(process.argv[1]);
  const more = () => {
    while (left > 0) {
      const part = cipher.update(Buffer.alloc(Math.min(left, 1 << 16)));
      left -= part.length;
      if (!process.stdout.write(part)) return void process.stdout.once("drain", more);
    }
  };
  more();`;

afterAll(() => sandbox.remove());
beforeAll(async () => {
  await sandbox.do([...at, "create"]);
});

const backup = (args: readonly string[], options: RunOptions = {}) => sandbox.run([...at, "backup", ...args], options);
/** Has a shell command write to the standard input of a run. */
const fedBy = (command: string): RunOptions => ({ by: ["sh", "-c", `${command} | "$@"`, "sh"] });
const snapshots = async () => (await sandbox.do([...at, "ls", "--json"])).trim().split("\n").filter(Boolean);

describe("backup --stdin", () => {
  test("stores what comes through a pipe as a file of the user who runs it", async () => {
    expect(await backup(["--stdin", "--stdin-filename", "/dumps/a.sql"], fedBy("printf content"))).toMatchObject({
      status: 0,
    });
    expect(await sandbox.do([...at, "cat", "latest:/dumps/a.sql"])).toBe("content");
    const listed = JSON.parse((await sandbox.do([...at, "ls", "--json", "latest:/dumps"])).trim()) as object;
    expect(listed).toMatchObject({ type: "file", mode: 0o600, uid: process.getuid?.(), sizeBytes: 7 });
    expect(Date.now() / 1000 - (listed as { mtimeSeconds: number }).mtimeSeconds).toBeLessThan(3600);
  });

  test("takes a name without a slash for one at the root, and continues the series of its name", async () => {
    const args = ["--stdin", "--stdin-filename", "db.sql", "--tag", "nightly", "--host", "db1", "--json"];
    const first = await backup(args, fedBy("echo 1"));
    const second = await backup(args, fedBy("echo 2"));
    const idOf = ({ stdout }: typeof first, what: string) => new RegExp(`"${what}":"([0-9a-f]+)"`).exec(stdout)?.[1];
    expect(idOf(second, "parent")).toBe(idOf(first, "snapshot"));
    expect(await sandbox.do([...at, "cat", "latest@db1:db.sql"])).toBe("2\n");
    expect(await sandbox.do([...at, "cat", "latest~1@db1:/db.sql"])).toBe("1\n");
  });

  test("makes no snapshot of an empty stream, and says why", async () => {
    const before = await snapshots();
    const ended = await backup(["--stdin", "--stdin-filename", "/x"], fedBy(":"));
    expect(ended).toMatchObject({ status: 66, stderr: expect.stringMatching(/standard input: it is empty/) });
    expect(await snapshots()).toEqual(before);
  });

  test("leaves the standard input to the stream when a command gives the passphrase", async () => {
    const options = { ...fedBy("printf 'the dump'"), env: { HOLDFAST_PASSPHRASE: undefined } };
    const command = ["--passphrase-command", `cat >/dev/null; echo '${passphrase}'`];
    expect(await backup([...command, "--stdin", "--stdin-filename", "/y"], options)).toMatchObject({ status: 0 });
    expect(await sandbox.do([...at, "cat", "latest:/y"])).toBe("the dump");
  });
});

describe("backup --from-command", () => {
  test("stores hundreds of megabytes, and nothing of them a second time", async () => {
    const size = 300_000_000;
    const args = ["--json", "--from-command", "/big", "--", node, "-e", printer, `${size}`];
    expect((await backup(args)).stdout).toMatch(new RegExp(`"newBytes":${size}[,}]`));
    expect((await backup(args)).stdout).toMatch(/"newBytes":0[,}]/);
    const check = `${node} -e '${printer}' ${size} | cmp - "$0"`;
    await sandbox.do([...at, "restore", "latest:/big", "--to", sandbox.path("restored")]);
    const same = await sandbox.run([], { by: ["sh", "-c", check, sandbox.path("restored/big")] });
    expect(same).toMatchObject({ status: 0, stdout: "" });
  }, 240_000);

  test("makes no snapshot where the command fails, however much it printed, and tells its exit code", async () => {
    const before = await snapshots();
    const script = `echo why >&2; head -c 20000000 /dev/zero; exit 3`;
    const ended = await backup(["--json", "--from-command", "/x", "--", "sh", "-c", script]);
    expect(ended).toMatchObject({ status: 69, stderr: "why\n" });
    expect(ended.stdout).toMatch(/"commandExitCode":3/);
    const killed = await backup(["--from-command", "/x", "--", "sh", "-c", "echo x; kill -9 $$"]);
    expect(killed).toMatchObject({ status: 69, stderr: expect.stringMatching(/ended by SIGKILL/) });
    const absent = await backup(["--from-command", "/x", "--", sandbox.path("no such program")]);
    expect(absent).toMatchObject({ status: 66, stderr: expect.stringMatching(/there is no such program/) });
    expect(await snapshots()).toEqual(before);
  });

  test("stores an empty file, with a warning, where a command that succeeds prints nothing", async () => {
    const ended = await backup(["--from-command", "/empty", "--", "true"]);
    expect(ended).toMatchObject({ status: 0, stderr: expect.stringMatching(/warning: .*printed nothing/) });
    expect(await sandbox.do([...at, "cat", "latest:/empty"])).toBe("");
  });

  test("keeps the passphrase from the command", async () => {
    expect(await backup(["--from-command", "/env", "--", "env"])).toMatchObject({ status: 0 });
    const stdout = await sandbox.do([...at, "cat", "latest:/env"]);
    expect(stdout).toMatch(/^HOME=/m);
    expect(stdout).not.toContain(passphrase);
    expect(stdout).not.toMatch(/HOLDFAST_(PASSPHRASE|WRAPPER)/);
  });

  test("does not start the command where the store cannot be opened", async () => {
    const options = { env: { HOLDFAST_PASSPHRASE: "wrong" } };
    const ended = await backup(["--from-command", "/x", "--", "touch", sandbox.path("started")], options);
    expect(ended).toMatchObject({ status: 77 });
    expect(() => readFileSync(sandbox.path("started"))).toThrow(/ENOENT/);
  });

  test("ends the command when a signal ends the backup", async () => {
    const file = sandbox.path("pid");
    const script = `echo $$ >'${file}'; echo x; exec sleep 1000`;
    const { child, ended } = sandbox.start([...at, "backup", "--from-command", "/x", "--", "sh", "-c", script]);
    const pid = await vi.waitUntil(() => numberIn(file), 20_000);
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ status: 130 });
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });
});

test.each([
  [["-"], /--stdin --stdin-filename PATH/],
  [["--stdin"], /without --stdin-filename/],
  [["--stdin-filename", "/x"], /without --stdin/],
  [["--stdin", "--stdin-filename", "/x", "--from-command", "/y", "--", "true"], /--stdin with --from-command/],
  [["--stdin", "--stdin-filename", "/x", "/etc"], /--stdin with a PATH/],
  [["--stdin", "--stdin-filename", "/x", "--dry-run"], /--dry-run with --stdin/],
  [["--stdin", "--stdin-filename", "/x", "--exclude", "y"], /--exclude with --stdin/],
  [["--stdin", "--stdin-filename", "/x/"], /names no file/],
  [["--stdin", "--stdin-filename", "../x"], /no meaning/],
  [["--from-command", "/x"], /no command follows/],
])("backup %j is refused", async (args, message) => {
  const ended = await backup(args);
  expect(ended).toMatchObject({ status: 64, stderr: expect.stringMatching(message) });
  expect(ended.stderr).not.toContain("--stdio");
});

function numberIn(file: string): number | undefined {
  try {
    return Number(/^\d+\n/.exec(readFileSync(file, "utf8"))?.[0]) || undefined;
  } catch {
    return undefined;
  }
}
