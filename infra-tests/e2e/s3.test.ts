import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startS3rver } from "#infra-tests/s3/bare-s3rver.ts";
import { compareTrees, describeDifferences } from "#infra-tests/fidelity/compare-trees.ts";
import { startHonestS3rver } from "#infra-tests/s3/honest-s3rver.ts";
import type { S3Server } from "#infra-tests/s3/s3-server.ts";
import { findVersitygw, startVersitygw } from "#infra-tests/s3/versitygw.ts";
import { systemRandom } from "#shared/random.ts";
import { directoryStore } from "#shared/store/directory-store.ts";
import { openS3Store } from "#shared/store/s3-store.ts";
import { Sandbox } from "./sandbox.ts";

const sandbox = new Sandbox();
const source = sandbox.path("source");
const restored = sandbox.path("restored");
afterAll(() => sandbox.remove());

beforeAll(() => {
  mkdirSync(join(source, "sub"), { recursive: true });
  for (let n = 0; n < 30; n++) writeFileSync(join(source, "sub", `small-${n}`), systemRandom(1000 * n));
  // More than a pack, so that several are on their way at once.
  for (let n = 0; n < 8; n++) writeFileSync(join(source, `large-${n}`), systemRandom(4 << 20));
});

/** The location of a store on a server, and the variables with the credentials for it. */
function storeOn(server: S3Server, prefix: string) {
  const { bucket, endpoint = "", region, credentials } = server.options;
  const location = `s3://${bucket}/${prefix}?endpoint=${encodeURIComponent(endpoint)}&region=${region}&path-style=1`;
  if (credentials === undefined) throw new Error("the server tells no credentials");
  const env = { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey };
  return { at: ["at", location], options: { env }, secret: credentials.secretAccessKey };
}

async function journey(server: S3Server, name: string): Promise<void> {
  const { at, options, secret } = storeOn(server, `hosts/${name}`);
  const { status, stdout, stderr } = await sandbox.run([...at, "create"], options);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).not.toContain(secret);
  expect((await sandbox.run([...at, "create"], options)).status).toBe(75);

  const first = await sandbox.events([...at, "backup", source], options);
  expect({ status: first.status, stderr: first.stderr }).toEqual({ status: 0, stderr: "" });
  const second = await sandbox.events([...at, "backup", source], options);
  expect(second.events.at(-1)).toMatchObject({ outcome: "ok", changed: 0, newBytes: 0 });

  const target = join(restored, name);
  await sandbox.do([...at, "restore", `latest:${source}`, "--to", target], options);
  expect(describeDifferences(compareTrees(source, target, ["mtime"]))).toBe("");
  expect(await sandbox.do([...at, "check", "--read"], options)).toBe("");
  // Without what the cache keeps everything is read from the bucket again.
  expect(await sandbox.do(["--no-cache", ...at, "check"], options)).toBe("");

  const id = String(second.events.at(-1)!["snapshot"]);
  await sandbox.do([...at, "rm", "--apply", "latest"], options);
  expect((await sandbox.events([...at, "ls"], options)).events).toHaveLength(1);
  await sandbox.do([...at, "undelete", id.slice(0, 10)], options);
  expect((await sandbox.events([...at, "ls"], options)).events).toHaveLength(2);

  const doctor = await sandbox.events([...at, "doctor"], options);
  expect(doctor.events.filter(({ outcome }) => outcome === "fail")).toEqual([]);
  expect(doctor.events.at(-1)).toEqual({ event: "verdict", fitness: "fit" });
  expect(doctor.status).toBe(0);

  const wrong = { env: { ...options.env, AWS_SECRET_ACCESS_KEY: "not it" } };
  expect(
    (
      await sandbox.run(
        ["at", "s3://no-such-bucket/x", "ls"].toSpliced(1, 1, at[1]!.replace("//bucket/", "//no-such-bucket/")),
        options,
      )
    ).status,
  ).toBe(66);
  if (name !== "s3rver") expect((await sandbox.run([...at, "ls"], wrong)).status).toBe(77);
}

describe("s3rver behind an honest shim", () => {
  let server: S3Server | undefined;
  beforeAll(async () => {
    server = await startHonestS3rver();
  });
  afterAll(() => server?.stop());

  test("keeps a store: create, backup, restore, check, rm, undelete, doctor", () => journey(server!, "s3rver"));

  test("takes two backups at once, both whole", async () => {
    const { at, options } = storeOn(server!, "at-once");
    await sandbox.do([...at, "create"], options);
    const runs = await Promise.all(
      ["one", "two"].map((home) =>
        sandbox.events([...at, "backup", source], {
          env: { ...options.env, XDG_CACHE_HOME: sandbox.path(home), XDG_DATA_HOME: sandbox.path(home) },
        }),
      ),
    );
    expect(runs.map(({ status }) => status)).toEqual([0, 0]);
    expect((await sandbox.events([...at, "ls"], options)).events).toHaveLength(2);
    expect(await sandbox.do([...at, "check", "--read"], options)).toBe("");
  });
});

const program = findVersitygw(process.env["PATH"] ?? "");
if (program === undefined) {
  process.stderr.write("SKIPPED: no versitygw on PATH or in .cache/bin; infra-tests/s3/versitygw.sh builds it.\n");
}

describe.skipIf(program === undefined)("VersityGW", () => {
  test("keeps a store: create, backup, restore, check, rm, undelete, doctor", async () => {
    const server = await startVersitygw(program!);
    try {
      await journey(server, "versitygw");
    } finally {
      await server.stop();
    }
  });
});

test("bare s3rver is unfit, and doctor says so with the exit code incompatible", async () => {
  const server = await startS3rver();
  try {
    const { at, options } = storeOn(server, "p");
    const { status, stdout } = await sandbox.run([...at, "doctor"], options);
    expect(status).toBe(78);
    expect(stdout).toMatch(/^FAIL {2}racing creators: /m);
    expect(stdout).toMatch(/^UNFIT: do not use it\.$/m);
  } finally {
    await server.stop();
  }
});

test("bare s3rver is refused by create, and by the first backup of each client to a store that is there, before anything is lost", async () => {
  const server = await startS3rver();
  try {
    const { at, options } = storeOn(server, "unfit");
    const made = await sandbox.run([...at, "create"], options);
    expect(made.status).toBe(78);
    expect(made.stderr).toMatch(/hint: Run `holdfast doctor`/);
    expect((await sandbox.run([...at, "ls"], options)).status).toBe(66);

    // As an earlier version, or another server in front of the same objects, would have made it.
    const local = sandbox.path("made-in-a-directory");
    await sandbox.do(["at", local, "create"]);
    const there = await openS3Store({ ...server.options, prefix: "unfit" });
    for await (const { key } of directoryStore(local).list("")) {
      await there.put(key, [await directoryStore(local).get(key)]);
    }
    await there.close();
    for (const command of [["backup", source], ["rm", "--apply", "latest"], ["maintenance"]]) {
      expect((await sandbox.run([...at, ...command], options)).status).toBe(78);
    }
    expect((await sandbox.run([...at, "ls"], options)).status).toBe(0);
  } finally {
    await server.stop();
  }
});

test("a bucket is tried by two requests, once for each client", async () => {
  const server = await startHonestS3rver();
  try {
    const { at, options } = storeOn(server, "fit");
    const probes = (): string[] => readdirSync(sandbox.path("home", "data", "holdfast", "proved-buckets")).toSorted();
    await sandbox.do([...at, "create"], options);
    const proved = probes();
    await sandbox.do([...at, "backup", join(source, "sub")], options);
    expect(probes()).toEqual(proved);
    const { at: other } = storeOn(server, "fit-too");
    await sandbox.do([...other, "create"], options);
    expect(probes().length).toBe(proved.length + 1);
    const client = { env: { ...options.env, XDG_DATA_HOME: sandbox.path("other-client") } };
    await sandbox.do([...at, "backup", join(source, "sub")], client);
    expect(readdirSync(sandbox.path("other-client", "holdfast", "proved-buckets"))).toHaveLength(1);
  } finally {
    await server.stop();
  }
});

test("--retry-for says how long a server that does not answer is tried again", async () => {
  const options = { env: { AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "a-secret-of-aws" } };
  const at = ["at", "s3://bucket/x?endpoint=http://127.0.0.1:9&region=x"];
  const once = await sandbox.run([...at, "--retry-for", "0s", "ls"], options);
  expect(once.status).toBe(69);
  expect(once.stderr).toContain("(tried once)");
  expect(once.stderr).not.toContain("warning:");
  const some = await sandbox.run([...at, "--retry-for", "2s", "ls"], options);
  expect(some.status).toBe(69);
  expect(some.stderr).toMatch(/^warning: .*Trying again for up to 2 seconds/);
  expect(some.stderr).toMatch(/\(tried \d+ times in 2 s\)/);
});

test("an endpoint where nobody listens is unavailable", async () => {
  const options = { env: { AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "a-secret-of-aws" } };
  const doctor = await sandbox.events(["at", "s3://bucket/x?endpoint=http://127.0.0.1:9&region=x", "doctor"], options);
  expect(doctor.status).toBe(69);
  expect(doctor.events.at(-1)).toEqual({ event: "verdict", fitness: "unknown" });
  const run = sandbox.start(["at", "s3://bucket/x?endpoint=http://127.0.0.1:9&region=x&path-style=1", "ls"], options);
  run.child.stderr!.once("data", () => setTimeout(() => run.child.kill("SIGINT"), 100));
  const { status, stderr } = await run.ended;
  expect(stderr).toMatch(
    /^warning: Cannot read .*: the server refuses connections \(http:\/\/127\.0\.0\.1:9, ECONNREFUSED\)\. Trying again for up to 15 minutes/,
  );
  expect(stderr.match(/warning:/g)).toHaveLength(1);
  expect(stderr).not.toContain("a-secret-of-aws");
  expect(status).toBe(130);
});
