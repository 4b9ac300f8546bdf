import {
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it, test } from "vitest";
import type { RestoreRequest } from "#agent/commands/engine.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { SmallHost } from "./small-host.testing.ts";

// What leads to a restored path belongs to the host and not to the snapshot: it is followed or refused, and never replaced.

const hosts: SmallHost[] = [];
afterAll(() => {
  for (const host of hosts) host.remove();
});

const modes = ["changed", "always", "never"] as const;
const isRoot = process.getuid?.() === 0;

/** A host whose `home` is a link to `data/home`, and a snapshot of `home/ada`. */
async function linkedHost(): Promise<SmallHost> {
  const host = await SmallHost.make();
  hosts.push(host);
  for (const name of ["ada", "bob"]) {
    mkdirSync(host.path("data/home", name), { recursive: true });
    writeFileSync(host.path("data/home", name, "file"), name);
  }
  symlinkSync("data/home", host.path("home"));
  await host.backup({ paths: [host.path("home/ada")] });
  return host;
}

const whole = (more: Partial<RestoreRequest> = {}): Partial<RestoreRequest> => ({
  reference: { snapshot: { by: "age", back: 0 }, path: undefined },
  ...more,
});

/** Restores in place: without a target. */
function inPlace(host: SmallHost, request: Partial<RestoreRequest>) {
  return host.run((engine) =>
    engine.restore({
      reference: { snapshot: { by: "prefix", prefix: "" }, path: undefined },
      target: undefined,
      overwrite: "changed",
      dryRun: false,
      owners: "numbers",
      xattrs: true,
      sparse: false,
      ...request,
    }),
  );
}

async function latestPrefix(host: SmallHost) {
  const prefix = (await host.snapshots()).at(-1) ?? "";
  return { by: "prefix", prefix } as const;
}

describe("a link above what is restored in place", () => {
  it.each(modes)("is followed, and everything else stays (%s)", async (overwrite) => {
    const host = await linkedHost();
    rmSync(host.path("data/home/ada/file"));
    const snapshot = await latestPrefix(host);
    for (const path of [undefined, host.path("home/ada/file")]) {
      rmSync(host.path("data/home/ada/file"), { force: true });
      const { outcome } = await inPlace(host, { reference: { snapshot, path }, overwrite });
      expect(outcome).toBe("ok");
      expect(lstatSync(host.path("home")).isSymbolicLink()).toBe(true);
      expect(readFileSync(host.path("data/home/ada/file"), "utf8")).toBe("ada");
      expect(readFileSync(host.path("home/bob/file"), "utf8")).toBe("bob");
    }
  });

  it("is refused where it leads to nothing, or to no directory", async () => {
    const host = await linkedHost();
    const snapshot = await latestPrefix(host);
    for (const target of ["data/gone", "data/home/bob/file"]) {
      rmSync(host.path("home"));
      symlinkSync(target, host.path("home"));
      for (const dryRun of [true, false]) {
        const refused = inPlace(host, { reference: { snapshot, path: undefined }, overwrite: "always", dryRun });
        await expect(refused).rejects.toMatchObject({ kind: "conflict" });
      }
      expect(lstatSync(host.path("home")).isSymbolicLink()).toBe(true);
    }
    expect(existsSync(host.path("data/gone"))).toBe(false);
  });

  it.skipIf(!isRoot)("is refused where another user made it", async () => {
    const host = await linkedHost();
    const snapshot = await latestPrefix(host);
    lchownSync(host.path("home"), 65_534, 65_534);
    for (const dryRun of [true, false]) {
      const refused = inPlace(host, { reference: { snapshot, path: undefined }, overwrite: "always", dryRun });
      await expect(refused).rejects.toMatchObject({ kind: "conflict", message: expect.stringContaining("uid 65534") });
    }
  });
});

it.each(modes)("a link in a target is neither followed nor replaced (%s)", async (overwrite) => {
  const host = await linkedHost();
  const target = host.path("target");
  const way = join(target, host.directory);
  mkdirSync(way, { recursive: true });
  mkdirSync(host.path("elsewhere"));
  symlinkSync(host.path("elsewhere"), join(way, "home"));
  for (const dryRun of [true, false]) {
    const refused = host.restore(whole({ target, overwrite, dryRun }));
    await expect(refused).rejects.toMatchObject({ kind: "conflict" });
  }
  expect(lstatSync(join(way, "home")).isSymbolicLink()).toBe(true);
  expect(existsSync(host.path("elsewhere/ada"))).toBe(false);
});

it.each(modes)("a directory that became a link to another disk keeps it, and is named (%s)", async (overwrite) => {
  const host = await SmallHost.make();
  hosts.push(host);
  mkdirSync(join(host.source, "big/deep"), { recursive: true });
  writeFileSync(join(host.source, "big/deep/file"), "1");
  writeFileSync(join(host.source, "other"), "2");
  await host.backup();
  mkdirSync(host.path("disk"));
  renameSync(join(host.source, "big"), host.path("disk/big"));
  symlinkSync(host.path("disk/big"), join(host.source, "big"));
  rmSync(join(host.source, "other"));
  const snapshot = await latestPrefix(host);
  const plan = await inPlace(host, { reference: { snapshot, path: undefined }, overwrite, dryRun: true });
  const done = await inPlace(host, { reference: { snapshot, path: undefined }, overwrite });
  expect(done.outcome).toBe("partial");
  expect(done.errors.map((error) => error.path)).toEqual([join(host.source, "big").slice(1)]);
  expect(done.facts["failed"]).toBe(3);
  expect([plan.outcome, plan.facts["errors"], plan.errors]).toEqual(["partial", 3, done.errors]);
  expect(readFileSync(join(host.source, "other"), "utf8")).toBe("2");
  expect(readFileSync(host.path("disk/big/deep/file"), "utf8")).toBe("1");
});

test("directories that a restore makes and no snapshot describes are as open as new ones, and are counted", async () => {
  const host = await linkedHost();
  // Backed up under another name: nothing of this host leads to it.
  await host.backup({ paths: [host.path("data/home/ada")], as: ["/renamed/home/ada"] });
  const target = host.path("new/target");
  const umask = process.umask(0o027);
  try {
    const { outcome, facts } = await host.restore(whole({ target }));
    expect([outcome, facts["directoriesWithoutMetadata"]]).toEqual(["ok", 2]);
    for (const path of [host.path("new"), target, join(target, "renamed"), join(target, "renamed/home")])
      expect(lstatSync(path).mode & 0o777, path).toBe(0o750);
  } finally {
    process.umask(umask);
  }
});

describe("a dry run tells what the run does", () => {
  /** What may be in the way, by how it is made. */
  const obstacles: Readonly<Record<string, (path: string, host: SmallHost) => void>> = {
    nothing: () => undefined,
    "the same file": (path) => {
      writeFileSync(path, "content");
      utimesSync(path, 1e9, 1e9);
    },
    "another file": (path) => writeFileSync(path, "something else"),
    "an empty directory": (path) => mkdirSync(path),
    "a directory": (path) => {
      mkdirSync(path);
      writeFileSync(join(path, "mine"), "mine");
    },
    "a link to a directory": (path, host) => symlinkSync(host.path("aside"), path),
    "a link to a file": (path, host) => symlinkSync(host.path("aside/file"), path),
    "a link to nothing": (path) => symlinkSync("nowhere", path),
  };
  const entries: Readonly<Record<string, (path: string) => void>> = {
    file: (path) => {
      writeFileSync(path, "content");
      utimesSync(path, 1e9, 1e9);
    },
    directory: (path) => {
      mkdirSync(join(path, "sub"), { recursive: true });
      writeFileSync(join(path, "sub/below"), "below");
    },
    link: (path) => symlinkSync("nowhere", path),
  };
  const cases = Object.keys(entries).flatMap((entry) =>
    Object.keys(obstacles).flatMap((obstacle) => modes.map((overwrite) => ({ entry, obstacle, overwrite }))),
  );

  it.each(cases)("a $entry where $obstacle is, $overwrite", async ({ entry, obstacle, overwrite }) => {
    const host = await SmallHost.make();
    hosts.push(host);
    entries[entry]?.(join(host.source, "it"));
    await host.backup();
    mkdirSync(host.path("aside"));
    writeFileSync(host.path("aside/file"), "aside");
    const target = host.path("out");
    mkdirSync(target);
    obstacles[obstacle]?.(join(target, "it"), host);
    const paths = entry === "directory" ? ["it", "it/sub", "it/sub/below"] : ["it"];
    const inodes = () => paths.map((path) => inodeOf(join(target, path)));
    const before = inodes();
    const plan = await host.restore({ target, overwrite, dryRun: true });
    expect(inodes(), "a dry run changes nothing").toEqual(before);
    const done = await host.restore({ target, overwrite });
    const after = inodes();
    expect(plan.errors).toEqual(done.errors);
    expect(plan.facts["errors"]).toBe(done.facts["failed"]);
    expect(plan.outcome).toBe(done.outcome);
    const failed = Number(done.facts["failed"]);
    const create = paths.filter((_, index) => before[index] === undefined && after[index] !== undefined).length;
    // An inode that is freed may be used again at once, so what is replaced is counted by what is left.
    expect(plan.facts["create"]).toBe(create);
    // The target itself is kept.
    expect(Number(plan.facts["create"]) + Number(plan.facts["replace"]) + Number(plan.facts["keep"])).toBe(
      paths.length - failed + (overwrite === "never" ? 0 : 1),
    );
    expect(readFileSync(host.path("aside/file"), "utf8")).toBe("aside");
  });
});

/** The inode at a path; undefined where there is none, also below a file. */
function inodeOf(path: string): number | undefined {
  try {
    return lstatSync(path).ino;
  } catch {
    return undefined;
  }
}

test("an error that concerns the way of a restore is a conflict with a hint", async () => {
  const host = await linkedHost();
  rmSync(host.path("home"));
  writeFileSync(host.path("home"), "a file");
  const snapshot = await latestPrefix(host);
  try {
    await inPlace(host, { reference: { snapshot, path: undefined } });
    expect.fail("not refused");
  } catch (error) {
    expect(isHoldfastError(error, "conflict")).toBe(true);
    expect(isHoldfastError(error) && error.hint).toContain("--to");
  }
});
