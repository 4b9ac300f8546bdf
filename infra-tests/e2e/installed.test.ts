import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { compareTrees, describeDifferences } from "#infra-tests/fidelity/compare-trees.ts";
import { makeTree } from "#infra-tests/fidelity/make-tree.ts";
import { startHonestS3rver } from "#infra-tests/s3/honest-s3rver.ts";
import { errorKinds } from "#shared/errors.ts";
import { systemRandom } from "#shared/random.ts";
import { Sandbox } from "./sandbox.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** What npm says when the registry, and not the package, is to blame. */
const unreachable =
  /E(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|NOTCACHED|HOSTUNREACH|NETUNREACH)|E40[13]|network/;

const workshop = new Sandbox();
afterAll(() => workshop.remove());
const path = `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`;

/** Runs npm with this process's environment: its registry and its cache are the user's. */
function npm(cwd: string, ...words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync("npm", words, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, PATH: path, npm_config_audit: "false", npm_config_fund: "false" },
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`npm ${words.join(" ")} ended with ${status}\n${stdout}${stderr}`);
  return stdout;
}

/** Packs a copy of the sources and installs the package as `npm i -g` does; undefined where the registry is not reached. */
function installed(): string | undefined {
  const sources = workshop.path("sources");
  for (const name of ["agent", "shared", "gateway", "package.json", "LICENSE", "README.md", "tsconfig.json"]) {
    if (existsSync(join(root, name))) cpSync(join(root, name), join(sources, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(sources, "node_modules"));
  npm(sources, "pack", "--pack-destination", workshop.directory);
  const tarball = readdirSync(workshop.directory).find((name) => name.endsWith(".tgz")) ?? "no package";
  try {
    npm(
      workshop.directory,
      "install",
      "--global",
      "--prefix",
      workshop.path("prefix"),
      "--prefer-offline",
      `./${tarball}`,
    );
  } catch (error) {
    if (!(error instanceof Error) || !unreachable.test(error.message)) throw error;
    process.stderr.write(
      `SKIPPED: the package could not be installed: ${error.message.split("\n").slice(1, 3).join(" ")}\n`,
    );
    return undefined;
  }
  return workshop.path("prefix", "bin", "holdfast");
}

const program = installed();

/** A directory on PATH with a Node that is too old for the program, if there is one. */
function olderNode(): string | undefined {
  const found = (process.env["PATH"] ?? "").split(delimiter).find((directory) => {
    const { stdout } = spawnSync(join(directory, "node"), ["--version"], { encoding: "utf8" });
    const major = Number(/^v(\d+)/.exec(stdout ?? "")?.[1]);
    return major >= 18 && major < 24;
  });
  if (found === undefined) process.stderr.write("SKIPPED: no older Node is on PATH to start the package with\n");
  return found;
}

const older = olderNode();

describe.skipIf(program === undefined)("the installed package", () => {
  const sandbox = new Sandbox({ program: [program ?? ""] });
  const env = { PATH: path };
  const options = { env };
  const at = ["at", sandbox.path("store")];
  const source = sandbox.path("source");
  afterAll(() => sandbox.remove());

  test("holds nothing but the program: no sources, no tests, and few packages", () => {
    const home = workshop.path("prefix", "lib", "node_modules", "holdfast");
    const files = readdirSync(home, { recursive: true, encoding: "utf8" }).filter(
      (name) => !name.startsWith("node_modules"),
    );
    expect(files.filter((name) => /\.ts$|test|fixture/.test(name))).toEqual([]);
    expect(
      readdirSync(join(home, "node_modules")).filter((name) =>
        /vitest|esbuild|typescript|^node$|assemblyscript/.test(name),
      ),
    ).toEqual([]);
  });

  test.skipIf(older === undefined)(
    "runs where the Node of the host is older: Node 24 was installed with it",
    async () => {
      const said = await sandbox.do(["--version"], { env: { PATH: `${older}${delimiter}/usr/bin${delimiter}/bin` } });
      expect(said).toMatch(/^holdfast \d+\.\d+\.\d+ \(node 2[4-9]\./);
    },
  );

  test("backs a tree of everything up and brings it back, with its worker threads", async () => {
    makeTree(source, { manyFiles: 300 });
    mkdirSync(join(source, "large"));
    for (let n = 0; n < 4; n++) writeFileSync(join(source, "large", `${n}`), systemRandom(8 << 20));
    expect(await sandbox.do(["version"], options)).toMatch(/^holdfast \d+\.\d+\.\d+ \(node 2\d\./);
    await sandbox.do([...at, "create"], options);
    const backup = await sandbox.events([...at, "backup", source], options);
    expect(backup.events.filter(({ event }) => event === "entryError" || event === "failure")).toEqual([]);
    expect(backup.status).toBe(0);
    const target = sandbox.path("restored");
    const restore = await sandbox.events([...at, "restore", "latest", "--to", target], options);
    expect(restore.events.filter(({ event }) => event === "entryError" || event === "failure")).toEqual([]);
    expect(describeDifferences(compareTrees(source, join(target, source)))).toBe("");
    expect(await sandbox.do([...at, "check", "--read"], options)).toBe("");
  });

  test("writes nothing to standard error where all is well, on a directory, on S3 and behind a proxy", async () => {
    const server = await startHonestS3rver();
    const some = sandbox.path("some");
    mkdirSync(some);
    writeFileSync(join(some, "file"), "content");
    try {
      const { bucket, endpoint = "", credentials } = server.options;
      const location = `s3://${bucket}/quiet?endpoint=${encodeURIComponent(endpoint)}&region=us-east-1&path-style=1`;
      const keys = { AWS_ACCESS_KEY_ID: credentials?.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials?.secretAccessKey };
      // Two sources of credentials, about which the SDK would write to the console.
      const configured = sandbox.path("aws");
      const named = `aws_access_key_id = ${keys.AWS_ACCESS_KEY_ID}\naws_secret_access_key = ${keys.AWS_SECRET_ACCESS_KEY}\n`;
      writeFileSync(configured, `[default]\n${named}`);
      const profile = { AWS_PROFILE: "default", AWS_SHARED_CREDENTIALS_FILE: configured };
      for (const [store, variables] of [
        [sandbox.path("quiet"), {}],
        [location, keys],
        [location.replace("/quiet", "/quiet-profile"), { ...keys, ...profile }],
        [
          location.replace("/quiet", "/quiet-proxy"),
          { ...keys, HTTPS_PROXY: "http://127.0.0.1:9", HTTP_PROXY: endpoint },
        ],
      ] as const) {
        for (const command of [["create"], ["backup", some], ["ls"], ["info", "latest"], ["check"]]) {
          const run = await sandbox.run(["--json", "at", store, ...command], { env: { ...env, ...variables } });
          expect({ store, command, status: run.status, stderr: run.stderr }).toEqual({
            store,
            command,
            status: 0,
            stderr: "",
          });
        }
      }
    } finally {
      await server.stop();
    }
  });

  test("tells of what cannot be read, and keeps the rest: its threads know the errors of the modules that they load", async () => {
    const odd = sandbox.path("odd");
    mkdirSync(odd);
    writeFileSync(join(odd, "fine"), "fine");
    writeFileSync(join(odd, "closed"), "closed", { mode: 0 });
    const asNobody = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
    const nobody = new Sandbox({ program: [...asNobody, program ?? ""] });
    chmodSync(nobody.directory, 0o777);
    for (const each of [workshop.directory, sandbox.directory]) chmodSync(each, 0o755);
    const there = ["at", nobody.path("store")];
    try {
      await nobody.do([...there, "create"], options);
      const { status, events } = await nobody.events([...there, "backup", odd], options);
      expect({ status, told: events.filter(({ event }) => event === "entryError" || event === "failure") }).toEqual({
        status: errorKinds.partial.exitCode,
        told: [expect.objectContaining({ event: "entryError", path: join(odd, "closed"), kind: "EACCES" })],
      });
      expect(await nobody.do([...there, "cat", `latest:${join(odd, "fine")}`], options)).toBe("fine");
    } finally {
      nobody.remove();
    }
  });

  test("keeps compiled code for its next runs, and does without where that is damaged", async () => {
    const cached = (): string[] =>
      readdirSync(sandbox.path("home"), { recursive: true, encoding: "utf8" }).filter((name) =>
        name.endsWith("holdfast-version"),
      );
    for (let run = 0; run < 3; run++) await sandbox.do(["version"], options);
    const [name = "none", ...more] = cached();
    expect(more).toEqual([]);
    const file = join(sandbox.path("home"), name);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const whole = readFileSync(file);
    for (const damage of [
      (bytes: Buffer) => bytes.fill(0),
      (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1),
      (bytes: Buffer) => bytes.fill(0, bytes.length >> 1),
    ]) {
      writeFileSync(file, damage(Buffer.from(whole)));
      expect(await sandbox.do(["version"], options)).toMatch(/^holdfast/);
      expect(readFileSync(file).length).toBeGreaterThan(whole.length / 2);
    }
  });

  test("has every command, each with its manual", async () => {
    const overview = await sandbox.do(["help"], options);
    const names = Array.from(
      overview.split("\n\nEnvironment")[0]!.matchAll(/^ {2}([a-z]+) {2,}/gm),
      ([, name]) => name!,
    );
    expect(names.length).toBeGreaterThan(10);
    const manuals = await Promise.all(names.map((name) => sandbox.do(["help", name], options)));
    for (const [index, manual] of manuals.entries()) expect(manual).toContain(`holdfast ${names[index]}`);
    // The code for S3 is there: it is what finds that nobody answers.
    const s3 = ["at", "s3://bucket/x?endpoint=http://127.0.0.1:9&region=x&path-style=1", "doctor"];
    const doctor = await sandbox.run(s3, { env: { ...env, AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "x" } });
    expect({ status: doctor.status, stdout: doctor.stdout }).toEqual({
      status: 69,
      stdout: expect.stringContaining("?     write and read"),
    });
  });
});
