import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SmallHost } from "#agent/engine/small-host.testing.ts";
import { configuredAccess } from "#gateway/access/configured-access.ts";
import { mountOf, serveSmall, type SmallGateway } from "#gateway/small-gateway.testing.ts";
import { compareTrees, type TreeAttribute } from "#infra-tests/fidelity/compare-trees.ts";
import { noise } from "#shared/operations/small-store.testing.ts";
import { removeMount, waitForMount } from "./fuse-mount.ts";
import { clientPath, missing, runClient } from "./real-client.ts";

/** What clients that only copy do not ask for. */
const untold: readonly TreeAttribute[] = ["mode", "owner", "links", "xattrs", "flags", "holes", "device"];
const accessKeyId = "sample-key";
const secretAccessKey = "aSecretOf/Many+Characters";

let host: SmallHost;
let small: SmallGateway;
let bucket: string;
let env: Record<string, string>;

beforeAll(async () => {
  host = await SmallHost.make();
  mkdirSync(`${host.source}/many`);
  mkdirSync(`${host.source}/deep/er/x`, { recursive: true });
  mkdirSync(`${host.source}/deep-er`);
  for (let index = 0; index < 120; index++) writeFileSync(`${host.source}/many/file ${index}`, `content of ${index}\n`);
  for (const name of [
    "plus+and&",
    "per%cent",
    "quote'\"",
    "hash#question?",
    "ünïcode 日本 😀",
    ".hidden",
    "deep.txt",
    "tab\tnew",
  ]) {
    writeFileSync(`${host.source}/deep/${name}`, `this is ${name}`);
  }
  writeFileSync(`${host.source}/deep.txt`, "before deep/");
  writeFileSync(`${host.source}/deep-er/file`, "x", { mode: 0o640 });
  writeFileSync(`${host.source}/deep/er/x/big`, noise("big", 1_000_000));
  writeFileSync(`${host.source}/deep/nothing`, "");
  mkdirSync(`${host.source}/links`);
  symlinkSync("../deep.txt", `${host.source}/links/one`);
  await host.backup();
  const mount = await mountOf(host.store, "store");
  for await (const entry of mount.view({}).list("/")) bucket = entry.name;
  small = await serveSmall(mount, {
    access: configuredAccess({
      users: [],
      tokens: [],
      s3Keys: [{ name: "sample", accessKeyId, secretAccessKey, grant: {} }],
    }),
    listeners: [{ host: "127.0.0.1", port: 0, protocols: ["s3"] }],
  });
  writeFileSync(host.path("aws config"), "[default]\ns3 =\n  signature_version = s3v4\n");
  env = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_CONFIG_FILE: host.path("aws config"),
    AWS_CA_BUNDLE: "",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    AWS_EC2_METADATA_DISABLED: "true",
    HOME: host.directory,
  };
}, 60_000);
afterAll(async () => {
  await small.gateway.close(0);
  expect(small.faults).toEqual([]);
  host.remove();
});

const differences = (from: string, copy: string, ignore: readonly TreeAttribute[]): string[] =>
  compareTrees(from, copy, ignore).differences.map(
    ({ path, attribute, expected, actual }) => `${path} ${attribute} ${expected} ${actual}`,
  );

/** Whether a difference is more than a part of a second, or the time of a directory: S3 has neither. */
function isMore(line: string): boolean {
  if (line.startsWith("links/one ")) return false; // who only copies gets a file that holds the target
  const [, path = "", expected = "", actual = ""] = /^(.*) mtime (\d+)\d{9} ns (\d+)\d{9} ns$/.exec(line) ?? [];
  return expected === "" || (expected !== actual && !directories.includes(path));
}
const directories = ["", ".", "deep", "deep-er", "deep/er", "deep/er/x", "links", "many"];

const aws = clientPath("aws");
test.runIf(aws)(
  `aws s3 sync of a whole snapshot equals a restore: ${aws ?? missing("aws")}`,
  { timeout: 60_000 },
  async () => {
    const endpoint = ["--endpoint-url", small.url];
    const target = host.path("by aws");
    const synced = await runClient("aws", [...endpoint, "s3", "sync", "--no-progress", `s3://${bucket}`, target], {
      env,
    });
    expect(synced.status, synced.stderr).toBe(0);
    const { target: restored } = await host.restore();
    expect(differences(restored, `${target}${host.source}`, untold).filter(isMore)).toEqual([]);
    const again = await runClient("aws", [...endpoint, "s3", "sync", "--no-progress", `s3://${bucket}`, target], {
      env,
    });
    expect(again).toEqual({ status: 0, stdout: "", stderr: "" });
    const listed = await runClient(
      "aws",
      [...endpoint, "s3", "ls", "s3://latest/", "--recursive", "--page-size", "7"],
      { env },
    );
    expect(listed.stdout.trim().split("\n")).toHaveLength(120 + 8 + 5);
    const { stdout: presigned } = await runClient(
      "aws",
      [...endpoint, "s3", "presign", `s3://latest${host.source}/deep/plus+and&`],
      { env },
    );
    const response = await fetch(presigned.trim());
    expect([response.status, await response.text()]).toEqual([200, "this is plus+and&"]);
    const refused = await runClient("aws", [...endpoint, "s3", "cp", `${host.source}/deep.txt`, "s3://latest/new"], {
      env,
    });
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining("AccessDenied")]);
  },
);

const s3cmd = clientPath("s3cmd");
test.runIf(s3cmd)(`s3cmd syncs: ${s3cmd ?? missing("s3cmd")}`, { timeout: 60_000 }, async () => {
  const place = small.url.replace("http://", "");
  const options = [
    "--config=/dev/null",
    `--access_key=${accessKeyId}`,
    `--secret_key=${secretAccessKey}`,
    `--host=${place}`,
    `--host-bucket=${place}`,
    "--no-ssl",
  ];
  const target = host.path("by s3cmd");
  mkdirSync(target);
  const listed = await runClient("s3cmd", [...options, "ls"], { env });
  expect(listed.stdout, listed.stderr).toContain(bucket);
  const synced = await runClient("s3cmd", [...options, "sync", `s3://latest${host.source}/deep/`, `${target}/`], {
    env: { ...env, LC_ALL: "C.UTF-8" },
  });
  expect(synced.status, synced.stderr + synced.stdout).toBe(0);
  expect(differences(`${host.source}/deep`, target, [...untold, "mtime"])).toEqual([]);
});

const rclone = clientPath("rclone");
test.runIf(rclone)(
  `rclone copies all with times, and finds no difference: ${rclone ?? missing("rclone")}`,
  async () => {
    const remote = `:s3,provider=Other,access_key_id=${accessKeyId},secret_access_key='${secretAccessKey}',endpoint='${small.url}':latest${host.source}`;
    const target = host.path("by rclone");
    const copied = await runClient("rclone", ["copy", "--config", "/dev/null", remote, target], { env });
    expect(copied.status, copied.stderr).toBe(0);
    // Times come whole, to the nanosecond, but those of directories.
    const isDirectoryTime = (line: string): boolean => directories.includes(line.split(" mtime ")[0] ?? "");
    const found = differences(host.source, target, untold).filter((line) => !isDirectoryTime(line));
    expect(found).toEqual(["links/one type symlink file"]);
    const checked = await runClient(
      "rclone",
      ["check", "--download", "--exclude", "links/one", "--config", "/dev/null", host.source, remote],
      {
        env,
      },
    );
    expect(checked.status, checked.stderr).toBe(0);
  },
);

const s3fs = clientPath("s3fs");
test.runIf(s3fs)(`s3fs mounts it with modes, owners and links: ${s3fs ?? missing("s3fs")}`, async () => {
  const target = host.path("by s3fs");
  mkdirSync(target);
  const args = [
    `latest:${host.source}`,
    target,
    "-o",
    `ro,url=${small.url},use_path_request_style,passwd_file=${host.path("pair")}`,
  ];
  writeFileSync(host.path("pair"), `${accessKeyId}:${secretAccessKey}\n`, { mode: 0o600 });
  const mounted = await runClient("s3fs", args, { env: { HOME: host.directory } });
  try {
    expect(mounted.status, mounted.stderr).toBe(0);
    await waitForMount(target);
    const copy = host.path("out of s3fs");
    const copied = await runClient("cp", ["-a", target, copy]);
    expect(copied.status, copied.stderr).toBe(0);
    const known = untold.filter((attribute) => attribute !== "mode" && attribute !== "owner");
    // Of the place it is mounted at, s3fs makes up mode and time.
    expect(differences(host.source, copy, known).filter((line) => !line.startsWith(" m"))).toEqual([]);
    // Never by this process: it is the one that answers.
    const part = await runClient("tail", ["-c", "1000", `${target}/deep/er/x/big`]);
    expect(part.stdout).toBe(readFileSync(`${host.source}/deep/er/x/big`).subarray(-1000).toString("latin1"));
  } finally {
    await removeMount(target);
  }
});
