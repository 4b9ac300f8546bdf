import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EntryFate } from "#agent/commands/engine.ts";
import { SmallHost, treeLines } from "./small-host.testing.ts";

let host: SmallHost;
beforeEach(async () => {
  host = await SmallHost.make();
  for (const name of ["a/x.txt", "a/b/y.txt", "a/b/z.tmp", "c/w.txt", "top.tmp"]) {
    mkdirSync(join(host.source, name, ".."), { recursive: true });
    writeFileSync(join(host.source, name), `content of ${name}`);
  }
  for (const name of ["a/b", "a", "c"]) utimesSync(join(host.source, name), 1000, 1000);
  await host.backup();
});
afterEach(() => host.remove());

function filesOf(directory: string): string[] {
  return [...treeLines(directory)].flatMap(([path, line]) => (line.startsWith("file") ? [path] : []));
}

describe("restore", () => {
  test("of several PATHs puts each below the target under its full path, and none twice", async () => {
    const paths = ["a/b", "top.tmp", "a/b/y.txt"].map((name) => join(host.source, name));
    const { outcome, target } = await host.restore({ paths });
    expect(outcome).toBe("ok");
    const below = join(target, host.source);
    expect(filesOf(below)).toEqual(["a/b/y.txt", "a/b/z.tmp", "top.tmp"]);
    expect(statSync(join(below, "a/b")).mtimeMs).toBe(1_000_000);
    await expect(host.restore({ paths: [join(host.source, "none")] })).rejects.toMatchObject({ kind: "absent" });
  });

  test("with excludes leaves out what matches, and what lies below it", async () => {
    const { target } = await host.restore({ excludes: ["*.tmp", "/c"] });
    expect(filesOf(target)).toEqual(["a/b/y.txt", "a/x.txt"]);
    expect(readdirSync(target)).toEqual(["a"]);
  });

  test("with includes takes what matches and the directories that lead there, with their metadata", async () => {
    const { target } = await host.restore({ includes: ["y.txt"] });
    expect(filesOf(target)).toEqual(["a/b/y.txt"]);
    expect(readdirSync(target)).toEqual(["a"]);
    expect(statSync(join(target, "a")).mtimeMs).toBe(1_000_000);
    expect(statSync(join(target, "a/b")).mtimeMs).toBe(1_000_000);
    const directory = await host.restore({ includes: [`${host.source}/a/`], excludes: ["*.tmp"] });
    expect(filesOf(directory.target)).toEqual(["a/b/y.txt", "a/x.txt"]);
  });

  test("below a directory of the source takes patterns of the source as well", async () => {
    const reference = { snapshot: { by: "age", back: 0 } as const, path: join(host.source, "a") };
    const { target } = await host.restore({ reference, includes: ["*.tmp"] });
    expect(filesOf(target)).toEqual(["b/z.tmp"]);
  });

  test("tells patterns that matched nothing", async () => {
    const { notices } = await host.restore({ includes: ["*.txt", "*.doc"], excludes: ["nothing"] });
    expect(notices.map(({ message }) => message)).toContainEqual(expect.stringContaining('"*.doc", "nothing"'));
  });

  test("names each file and what becomes of it, before and after", async () => {
    const target = host.path("target");
    await host.restore({ target });
    writeFileSync(join(target, "a/x.txt"), "changed");
    const told = async (request: Parameters<SmallHost["restore"]>[0]): Promise<Map<string, EntryFate>> => {
      const fates = new Map<string, EntryFate>();
      await host.restore({ target, ...request, onEntry: (path, fate) => fates.set(path.slice(target.length), fate) });
      return fates;
    };
    const wanted = new Map(
      ["/a/b/y.txt", "/a/b/z.tmp", "/c/w.txt", "/top.tmp"].map((path) => [path, "keep" as EntryFate]),
    ).set("/a/x.txt", "replace");
    expect(await told({ overwrite: "changed", dryRun: true })).toEqual(wanted);
    expect(readFileSync(join(target, "a/x.txt"), "utf8")).toBe("changed");
    expect(await told({ overwrite: "changed" })).toEqual(wanted);
    const left = new Map([...wanted.keys()].map((path) => [path, "leave"]));
    expect(await told({ overwrite: "never", dryRun: true })).toEqual(left);
    expect(await told({ overwrite: "never" })).toEqual(left);
  });

  test("names files that are left because something is there, also for those who did not ask", async () => {
    const target = host.path("target");
    await host.restore({ target });
    const { notices } = await host.restore({ target });
    expect(
      notices
        .filter(({ message }) => message.includes("left as it is"))
        .map(({ path }) => path)
        .sort(),
    ).toEqual(filesOf(host.source).sort());
  });
});
