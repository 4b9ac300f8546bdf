import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type JsonEvent, passphrase, Sandbox } from "./sandbox.ts";

// One story, told in order: the keys of a store, and what each of them opens.

const sandbox = new Sandbox();
const at = ["at", sandbox.path("store")];
const source = sandbox.path("source");
const none = { env: { HOLDFAST_PASSPHRASE: undefined } };
const writer = ["--keyfile", sandbox.path("writer.key"), ...at];
afterAll(() => sandbox.remove());

beforeAll(async () => {
  mkdirSync(source);
  writeFileSync(join(source, "file"), "content");
  await sandbox.do([...at, "create", "--recovery-key-file", sandbox.path("recovery.txt")]);
});

async function keys(): Promise<JsonEvent[]> {
  return (await sandbox.events([...at, "key", "list"])).events;
}

test("create writes the recovery key to a file of mode 0600, and shows it nowhere", async () => {
  const recovery = readFileSync(sandbox.path("recovery.txt"), "utf8");
  expect(recovery).toMatch(/^[0-9A-Z]{5}(-[0-9A-Z]{5})+\n$/);
  expect(statSync(sandbox.path("recovery.txt")).mode & 0o777).toBe(0o600);
  expect(await keys()).toMatchObject(
    [
      { role: "owner", form: "passphrase", current: true },
      { role: "owner", form: "recovery", current: false },
    ]
      .sort((a, b) => a.form.localeCompare(b.form))
      .map(() => ({ role: "owner" })),
  );
});

test("the recovery key opens the store, from a file or as the passphrase, however it is typed", async () => {
  const recovery = readFileSync(sandbox.path("recovery.txt"), "utf8").trim();
  await sandbox.do([...at, "--keyfile", sandbox.path("recovery.txt"), "ls"], none);
  await sandbox.do([...at, "ls"], { env: { HOLDFAST_PASSPHRASE: recovery } });
  await sandbox.do([...at, "ls"], { env: { HOLDFAST_PASSPHRASE: recovery.toLowerCase().replaceAll("-", "") } });
  const wrong = recovery.replace(/^./, (letter) => (letter === "7" ? "8" : "7"));
  expect((await sandbox.run([...at, "ls"], { env: { HOLDFAST_PASSPHRASE: wrong } })).status).toBe(77);
});

test("key add makes a writer's key file that backs up, and may neither read nor delete nor manage", async () => {
  const added = await sandbox.events([
    ...at,
    "key",
    "add",
    "--role",
    "writer",
    "--label",
    "web1",
    "--out",
    sandbox.path("writer.key"),
  ]);
  expect(added.events).toMatchObject([
    { event: "keyAdded", role: "writer", form: "keyfile", label: "web1", current: false },
  ]);
  expect(statSync(sandbox.path("writer.key")).mode & 0o777).toBe(0o600);

  await sandbox.do([...writer, "backup", "--writer", source], none);
  writeFileSync(join(source, "second"), "more content");
  const again = await sandbox.events([...writer, "backup", source], none);
  expect(again.status).toBe(0);
  // What it stored before is deduplicated, though it cannot read it.
  expect(again.events.at(-1)).toMatchObject({ outcome: "ok", newBytes: "more content".length });

  for (const args of [
    ["cat", `latest:${source}/file`],
    ["restore", "latest", "--to", sandbox.path("out")],
    ["ls", "latest"],
    ["rm", "--apply", "latest"],
    ["key", "add", "--out", sandbox.path("another.key")],
    ["key", "remove", "00"],
  ]) {
    const { status, stdout, stderr } = await sandbox.run([...writer, ...args], none);
    expect({ args, status, stdout, stderr }).toEqual({
      args,
      status: 77,
      stdout: "",
      stderr: expect.stringContaining("(denied"),
    });
  }
  expect(existsSync(sandbox.path("another.key"))).toBe(false);
  expect((await sandbox.run([...writer, "check"], none)).status).toBe(3);
  expect((await sandbox.run([...at, "backup", "--writer", source])).status).toBe(77);
  expect(await sandbox.do([...at, "cat", `latest:${source}/second`])).toBe("more content");
  expect(await sandbox.do([...at, "check", "--read"])).toBe("");
});

test("key add takes another passphrase, and key passwd replaces the one in use", async () => {
  await sandbox.do([...at, "key", "add", "--label", "second", "--new-passphrase-command", "echo another one"]);
  const env = { HOLDFAST_PASSPHRASE: "another one" };
  await sandbox.do([...at, "ls"], { env });
  await sandbox.do([...at, "key", "passwd", "--new-passphrase-command", "echo the third one"], { env });
  expect((await sandbox.run([...at, "ls"], { env })).status).toBe(77);
  await sandbox.do([...at, "ls"], { env: { HOLDFAST_PASSPHRASE: "the third one" } });
  expect(await sandbox.do([...at, "ls"])).not.toBe("");
  expect((await keys()).filter(({ label }) => label === "second")).toHaveLength(1);
  const noCommand = await sandbox.run([...at, "key", "add"], { by: ["setsid", "-w"] });
  expect(noCommand.status).toBe(77);
});

test("key remove changes nothing without --apply, and a new recovery key can be made", async () => {
  const before = await keys();
  const inUse = before.find(({ current }) => current === true)!;
  const { status, stdout, stderr } = await sandbox.run([...at, "key", "remove", String(inUse["slotId"])]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^would remove .*\(in use\)\n$/) });
  expect(stderr).toContain("This is the slot in use");
  expect(await keys()).toEqual(before);
  const file = sandbox.path("second-recovery.txt");
  await sandbox.do([...at, "key", "recovery", "--out", file]);
  expect(await keys()).toHaveLength(before.length + 1);
  await sandbox.do([...at, "--keyfile", file, "ls"], none);
});

test("key remove takes a slot away, but never the last of an owner", async () => {
  const slots = await keys();
  const ofWriter = slots.find(({ role }) => role === "writer")!;
  const { stdout } = await sandbox.run([...at, "key", "remove", "--apply", String(ofWriter["slotId"]).slice(0, 8)]);
  expect(stdout).toMatch(/^removed [0-9a-f]{32} {2}writer {2}keyfile .* web1\n$/);
  expect((await sandbox.run([...writer, "backup", source], none)).status).toBe(77);
  for (const slot of slots.filter(({ role, current }) => role === "owner" && current !== true)) {
    await sandbox.do([...at, "key", "remove", "--apply", String(slot["slotId"])]);
  }
  const last = await keys();
  expect(last).toMatchObject([{ role: "owner", current: true }]);
  const refused = await sandbox.run([...at, "key", "remove", String(last[0]!["slotId"])]);
  expect({ status: refused.status, stderr: refused.stderr }).toEqual({
    status: 75,
    stderr: expect.stringContaining("it is the last one of an owner"),
  });
  expect(await sandbox.do([...at, "ls"], { env: { HOLDFAST_PASSPHRASE: passphrase } })).not.toBe("");
});

test("a damaged slot is named by key list and check, and key remove takes it away", async () => {
  const name = String((await keys())[0]!["slotId"]);
  const slot = readFileSync(join(sandbox.path("store"), "keys", name));
  const damaged = "0123456789abcdef0123456789abcdef";
  writeFileSync(join(sandbox.path("store"), "keys", damaged), slot.subarray(0, slot.length >> 1));
  const listed = await sandbox.run([...at, "key", "list"]);
  expect({ status: listed.status, stderr: listed.stderr }).toEqual({
    status: 0,
    stderr: expect.stringContaining(damaged),
  });
  const checked = await sandbox.run([...at, "check"]);
  expect({ status: checked.status, stderr: checked.stderr }).toEqual({
    status: 65,
    stderr: expect.stringContaining(`holdfast key remove --apply ${damaged}`),
  });
  expect(await sandbox.do([...at, "key", "remove", "--apply", damaged.slice(0, 8)])).toBe(
    `removed ${damaged}  damaged\n`,
  );
  expect(await keys()).toMatchObject([{ slotId: name }]);
  expect((await sandbox.run([...at, "check"])).status).toBe(0);
  expect((await sandbox.run([...at, "key", "remove", name])).status).toBe(75);
});

test("a store without encryption needs no passphrase, and says what it is", async () => {
  const open = ["at", sandbox.path("open")];
  expect(await sandbox.do([...open, "create", "--plaintext"], none)).toMatch(
    /^Made store [0-9a-f]{32}, NOT encrypted\.\n$/,
  );
  await sandbox.do([...open, "backup", source], none);
  expect(await sandbox.do([...open, "cat", `latest:${source}/file`], none)).toBe("content");
  expect(await sandbox.do([...open, "info"], none)).toMatch(/^ {2}encrypted +no$/m);
});

test("a key file that is not there is told where none is needed, too, and one that is there is not used", async () => {
  const open = ["at", sandbox.path("open")];
  for (const args of [
    [...at, "maintenance"],
    [...at, "doctor"],
    [...open, "ls"],
    [...open, "repair"],
  ]) {
    const { status, stderr } = await sandbox.run(["--keyfile", sandbox.path("nothing.key"), ...args], none);
    expect({ args, status, stderr }).toEqual({ args, status: 66, stderr: expect.stringContaining("nothing.key") });
    const there = await sandbox.run(["--keyfile", sandbox.path("recovery.txt"), ...args], none);
    expect({ args, status: there.status }).toEqual({ args, status: 0 });
    expect(there.stderr.includes("this store is not encrypted")).toBe(args.includes(sandbox.path("open")));
  }
});

test.skipIf(process.getuid?.() !== 0)(
  "a slot that its store's owner may not read locks nobody out, is shown, and can be removed",
  async () => {
    const place = sandbox.path("of-another");
    mkdirSync(place);
    chmodSync(place, 0o777);
    const store = ["at", join(place, "store")];
    const env = { XDG_DATA_HOME: join(place, "data"), XDG_CACHE_HOME: join(place, "cache") };
    const owner = { by: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"], env };
    await sandbox.do([...store, "create"], owner);
    const added = await sandbox.events([...store, "key", "add", "--out", sandbox.path("root.key")]);
    const slotId = String(added.events[0]!["slotId"]);
    for (const args of [["ls"], ["backup", source], ["check"]]) {
      const { status, stderr } = await sandbox.run([...store, ...args], owner);
      expect({ args, status, stderr }).toEqual({
        args,
        status: 0,
        stderr: expect.stringMatching(
          new RegExp(`^warning: A key slot is passed over: Cannot read keys/${slotId}`, "m"),
        ),
      });
    }
    copyFileSync(sandbox.path("root.key"), join(place, "root.key"));
    chownSync(join(place, "root.key"), 65534, 65534);
    const locked = await sandbox.run([...store, "--keyfile", join(place, "root.key"), "ls"], {
      ...owner,
      env: { ...env, ...none.env },
    });
    expect({ status: locked.status, stderr: locked.stderr }).toEqual({
      status: 77,
      stderr: expect.stringContaining(
        "fits none of the key slots that can be read, and 1 of 3 cannot be: Cannot read keys/",
      ),
    });
    const listed = await sandbox.events([...store, "key", "list"], owner);
    expect(listed.events.filter(({ event }) => event === "key")).toHaveLength(3);
    expect(listed.events).toContainEqual({
      event: "key",
      slotId,
      unreadable: true,
      reason: expect.stringContaining("permission denied"),
    });
    expect((await sandbox.run([...store, "key", "list"], owner)).stdout).toMatch(
      new RegExp(`^${slotId}  unreadable  Cannot read`, "m"),
    );
    expect(await sandbox.do([...store, "key", "remove", "--apply", slotId.slice(0, 8)], owner)).toBe(
      `removed ${slotId}  unreadable\n`,
    );
    const { status, stderr } = await sandbox.run([...store, "ls"], owner);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  },
);
