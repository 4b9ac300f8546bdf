import { chmodSync, lstatSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EntrySummary } from "#agent/commands/engine.ts";
import { SmallHost, treeLines } from "./small-host.testing.ts";

// A source in another one, as `backup -x / /home` makes it; here the outer one leaves the directory out by a pattern.

let host: SmallHost;
const latest = { by: "age", back: 0 } as const;
const pathOf = (...names: readonly string[]): string => join(host.source, ...names);

beforeAll(async () => {
  host = await SmallHost.make();
  mkdirSync(pathOf("mnt/disk/deep"), { recursive: true });
  mkdirSync(pathOf("etc"));
  writeFileSync(pathOf("etc/file"), "outer");
  writeFileSync(pathOf("mnt/disk/deep/file"), "inner");
  writeFileSync(pathOf("mnt/other"), "beside");
  chmodSync(pathOf("mnt/disk"), 0o711);
  for (const path of ["mnt/disk/deep", "mnt/disk", "mnt", "etc", ""]) utimesSync(pathOf(path), 1e9, 1e9);
  await host.backup({
    paths: [host.source, pathOf("mnt/disk")],
    excludes: ["/mnt/disk"],
  });
});
afterAll(() => host.remove());

describe("a source in another one", () => {
  it.each(["", "mnt", "mnt/disk", "mnt/disk/deep"])("comes back with every subtree: %j", async (path) => {
    const { target, outcome } = await host.restore({ reference: { snapshot: latest, path: pathOf(path) } });
    expect(outcome).toBe("ok");
    expect(treeLines(target)).toEqual(treeLines(pathOf(path)));
  });

  it("comes back in place, with the directories that lead to it", async () => {
    const before = treeLines(host.source);
    const prefix = (await host.snapshots()).at(-1) ?? "";
    rmSync(host.source, { recursive: true });
    const { outcome, facts } = await host.run((engine) =>
      engine.restore({
        reference: { snapshot: { by: "prefix", prefix }, path: undefined },
        target: undefined,
        overwrite: "never",
        dryRun: false,
        owners: "numbers",
        xattrs: true,
        sparse: false,
      }),
    );
    expect([outcome, facts["directoriesWithoutMetadata"]]).toEqual(["ok", undefined]);
    expect(treeLines(host.source)).toEqual(before);
  });

  it("is listed with everything else", async () => {
    const found: EntrySummary[] = [];
    await host.run(async (engine) => {
      for await (const entry of engine.entries({ snapshot: latest, path: host.source }, { recursive: true }))
        found.push(entry);
      return { operation: "ls", outcome: "ok", facts: {} };
    });
    const names = found.map((entry) => entry.path.slice(host.source.length + 1));
    expect(names.sort()).toEqual([...treeLines(host.source).keys()].sort());
  });
});

it("the directories that lead to a source come back with their permissions and times", async () => {
  const bare = await SmallHost.make();
  try {
    const source = bare.path("a/b/source");
    mkdirSync(source, { recursive: true });
    writeFileSync(join(source, "file"), "content");
    chmodSync(bare.path("a"), 0o1770);
    chmodSync(bare.path("a/b"), 0o711);
    for (const path of [source, dirname(source), bare.path("a")]) utimesSync(path, 1e9, 1e9);
    await bare.backup({ paths: [source] });
    const { target } = await bare.restore({ reference: { snapshot: latest, path: undefined } });
    const at = (path: string): string => join(target, bare.path(path));
    expect(lstatSync(at("a")).mode & 0o7777).toBe(0o1770);
    expect(lstatSync(at("a/b")).mode & 0o7777).toBe(0o711);
    expect(lstatSync(at("a")).mtimeMs).toBe(1e12);
    expect(readFileSync(at("a/b/source/file"), "utf8")).toBe("content");
    const one = await bare.restore({ reference: { snapshot: latest, path: bare.path("a") } });
    expect(lstatSync(join(one.target, "b")).mode & 0o7777).toBe(0o711);
  } finally {
    bare.remove();
  }
});
