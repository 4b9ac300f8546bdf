import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { passphrase, Sandbox } from "#infra-tests/e2e/sandbox.ts";
import { seededBytes } from "#shared/vectors/vector.testing.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const python = join(here, ".venv/bin/python");
const isInstalled = existsSync(python);
const vectors = fileURLToPath(new URL("../../shared/vectors/store/", import.meta.url));

/** Runs the independent reader. */
function independent(
  args: readonly string[],
  secret: string = passphrase,
): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, HOLDFAST_PASSPHRASE: secret };
  return spawnSync(python, [join(here, "restore.py"), ...args], { encoding: "utf8", env, maxBuffer: 1 << 28 });
}

type StoreVector = {
  readonly context: { readonly recoveryKey?: string };
  readonly input: Record<string, string>;
  readonly value: {
    readonly snapshots: readonly {
      readonly id: string;
      readonly removed: boolean;
      readonly entries: readonly unknown[];
    }[];
  };
};

function vector(name: string): StoreVector {
  return JSON.parse(readFileSync(`${vectors}${name}.json`, "utf8"));
}

test.skipIf(isInstalled)(
  "SKIPPED: the independent reader is not installed; run infra-tests/independent/install.sh",
  () => undefined,
);

describe.skipIf(!isInstalled)("the independent reader, written from FORMAT.md", () => {
  const sandbox = new Sandbox();
  afterAll(() => sandbox.remove());

  describe.each(["sealed", "plaintext", "maintained"])("of the %s vector store", (name) => {
    const { context, value, input } = vector(name);
    const file = `${vectors}${name}.json`;

    test.each([[[]], [["--from-packs"]]])("finds every entry and content as this program does %j", (options) => {
      for (const snapshot of value.snapshots) {
        const { stdout, stderr, status } = independent(["describe", file, snapshot.id, ...options]);
        expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
        const entries = stdout
          .trim()
          .split("\n")
          .map((line): unknown => JSON.parse(line));
        expect(entries).toEqual(value.snapshots.find(({ id }) => id === snapshot.id)?.entries);
      }
    });

    test("lists the snapshots", () => {
      const lines = independent(["list", file]).stdout.trim().split("\n");
      expect(lines.map((line) => [line.slice(0, 64), line.endsWith("removed")])).toEqual(
        value.snapshots.map(({ id, removed }) => [id, removed]),
      );
    });

    test.skipIf(context.recoveryKey === undefined)("opens it by the recovery key, and by no other passphrase", () => {
      expect(independent(["list", file], context.recoveryKey).status).toBe(0);
      expect(independent(["list", file], "wrong")).toMatchObject({ status: 1, stdout: "" });
    });

    test("refuses it with a byte changed in any object", () => {
      // A damaged slot is passed over while another opens: those have tests of their own.
      const objects = Object.entries(input).filter(([key]) => !key.startsWith("keys/"));
      for (const [index, [key, base64]] of objects.entries()) {
        const bytes = Buffer.from(base64, "base64");
        const at = (index * 7919) % bytes.byteLength;
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        const spoilt = sandbox.path(`${name}-spoilt.json`);
        writeFileSync(spoilt, JSON.stringify({ input: { ...input, [key]: bytes.toString("base64") } }));
        const { status, stderr } = independent(["describe", spoilt, "", "--from-packs"]);
        expect({ key, status, refused: stderr.includes("refused") }).toEqual({ key, status: 1, refused: true });
      }
    });
  });

  test("restores what the program has just stored, and finds the same without states' indexes", async () => {
    const source = sandbox.path("source");
    makeSource(source);
    const store = sandbox.path("store");
    for (const args of [["create"], ["backup", source]]) {
      const ended = await sandbox.start(["at", store, ...args]).ended;
      expect({ args, status: ended.status, stderr: ended.stderr }).toMatchObject({ status: 0 });
    }
    writeFileSync(join(source, "later.txt"), "written later");
    expect((await sandbox.start(["at", store, "backup", source]).ended).status).toBe(0);
    for (const options of [[], ["--from-packs"]]) {
      const target = sandbox.path(`target${options.length}`);
      expect(independent(["restore", store, "", target, ...options])).toMatchObject({ status: 0, stderr: "" });
      expect(treeOf(join(target, source))).toEqual(treeOf(source));
    }
  });
});

/** Files that use most of the format: many, large, sparse, linked, oddly named, old. */
function makeSource(source: string): void {
  mkdirSync(join(source, "many"), { recursive: true });
  for (let index = 0; index < 1500; index++)
    writeFileSync(join(source, "many", `file-${index}`), `content ${index % 700}`);
  writeFileSync(join(source, "large"), seededBytes("large", 6_000_000));
  writeFileSync(join(source, "text"), "line\n".repeat(400_000));
  writeFileSync(join(source, "empty"), "");
  writeFileSync(join(source, "sparse"), "start");
  truncateSync(join(source, "sparse"), 50_000_000);
  writeFileSync(Buffer.concat([Buffer.from(`${source}/caf`), Buffer.from([0xe9])]), "a name that is not UTF-8");
  linkSync(join(source, "text"), join(source, "many", "hard"));
  symlinkSync("../nowhere", join(source, "link"));
  chmodSync(join(source, "empty"), 0o4711);
  utimesSync(join(source, "empty"), -1000, -1000);
  utimesSync(join(source, "many"), 1_000_000_000, 1_000_000_000);
}

/** Every path below a directory with what a restore must bring back. */
function treeOf(directory: string): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  const walk = (path: Buffer, name: string): void => {
    const stat = lstatSync(path, { bigint: true });
    const content = stat.isFile() ? createHash("sha256").update(readFileSync(path)).digest("hex") : undefined;
    const target = stat.isSymbolicLink() ? readlinkSync(path) : undefined;
    const { mode, mtimeNs, uid, gid } = stat;
    tree[name] = { mode, mtimeNs, uid, gid, content, target, links: stat.isDirectory() ? 0n : stat.nlink };
    if (!stat.isDirectory()) return;
    for (const child of readdirSync(path, { encoding: "buffer" })) {
      walk(Buffer.concat([path, Buffer.from("/"), child]), `${name}/${child.toString("latin1")}`);
    }
  };
  walk(Buffer.from(directory), "");
  return tree;
}
