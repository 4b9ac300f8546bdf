import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nothingSkipped } from "#agent/importers/skipped-directories.ts";
import { findSources } from "./find-sources.ts";
import { plain } from "./named-source.ts";
import { storeToSkip } from "./store-to-skip.ts";

let d: string;
beforeEach(() => {
  d = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-sources-")));
  mkdirSync(join(d, "real/sub"), { recursive: true });
  writeFileSync(join(d, "real/f"), "x");
});
afterEach(() => rmSync(d, { recursive: true, force: true }));

function find(paths: readonly string[], more: { readonly excludes?: readonly string[]; readonly store?: string } = {}) {
  const skip = more.store === undefined ? nothingSkipped : storeToSkip(join(d, more.store));
  const options = { excludes: more.excludes ?? [], oneFileSystem: false, skip };
  return findSources(
    paths.map((path) =>
      path.startsWith("/") ? path : join(d, path) + (path.endsWith("/") && !join(d, path).endsWith("/") ? "/" : ""),
    ),
    options,
  );
}

const placesOf = (...args: Parameters<typeof find>) =>
  find(...args).sources.map(({ root, readFrom }) => ({ root, readFrom }));
const source = (root: string) => plain(join(d, root));

describe("findSources", () => {
  it("backs up a link, each link that it leads to, and what the last one leads to", () => {
    symlinkSync("second", join(d, "link"));
    symlinkSync("real", join(d, "second"));
    expect(placesOf(["link"])).toEqual([source("link"), source("second"), source("real")]);
    expect(find(["link"]).notices).toMatchObject([{ level: "info", path: join(d, "link") }]);
    symlinkSync("real/f", join(d, "to file"));
    expect(placesOf(["to file"])).toEqual([source("to file"), source("real/f")]);
  });

  it("follows a link with a slash behind it, and keeps its name", () => {
    symlinkSync("real", join(d, "link"));
    expect(placesOf(["link/"])).toEqual([{ root: join(d, "link"), readFrom: join(d, "real") }]);
    expect(placesOf(["real/"])).toEqual([source("real")]);
    expect(() => find(["real/f/"])).toThrow(/not a directory/);
  });

  it("warns where only a link can be stored", () => {
    symlinkSync("nowhere", join(d, "dangling"));
    symlinkSync("circle", join(d, "circle"));
    symlinkSync("/proc/mounts", join(d, "into proc"));
    for (const name of ["dangling", "circle", "into proc"]) {
      expect(placesOf([name])).toEqual([source(name)]);
      expect(find([name]).notices).toMatchObject([
        { level: "warning", message: expect.stringMatching(/^Only the link/) },
      ]);
    }
  });

  it("refuses pipes, sockets, devices and names of open files, and names --stdin", async () => {
    spawnSync("mkfifo", [join(d, "fifo")]);
    symlinkSync("fifo", join(d, "to fifo"));
    symlinkSync("/proc/self/fd/0", join(d, "to stdin"));
    const streams = [
      "fifo",
      "to fifo",
      "to stdin",
      "/dev/stdin",
      "/dev/fd/0",
      "/dev/fd/63",
      "/proc/self/fd/0",
      "/dev/null",
    ];
    for (const path of streams) {
      expect(() => find([path]), path).toThrow(
        expect.objectContaining({ kind: "invalid", hint: expect.stringMatching(/--stdin /) }),
      );
    }
    expect(() => find(["/proc/self/exe"])).toThrow(/link of \/proc/);
    const server = createServer().listen(join(d, "socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    expect(() => find(["socket"])).toThrow(/socket/);
    await new Promise((resolve) => server.close(resolve));
  });

  it("names each path that cannot be backed up beside others, and throws where there is no other", () => {
    spawnSync("mkfifo", [join(d, "fifo")]);
    const found = find(["real", "gone", "fifo"]);
    expect(found.sources).toMatchObject([source("real")]);
    expect(found.problems.map(({ path, kind }) => [path, kind])).toEqual([
      [join(d, "gone"), "ENOENT"],
      [join(d, "fifo"), "invalid"],
    ]);
    expect(() => find(["gone", "fifo"])).toThrow(expect.objectContaining({ kind: "absent" }));
  });

  it("keeps a path that is named, whatever patterns and links lead there", () => {
    symlinkSync("..", join(d, "real/sub/up"));
    expect(placesOf(["real", "real/f"])).toEqual([source("real")]);
    expect(placesOf(["real", "real/f"], { excludes: ["f"] })).toEqual([source("real"), source("real/f")]);
    expect(placesOf(["real", "real/sub/up/f"])).toEqual([source("real")]);
    expect(find(["real", "real/sub/up/f"])).toMatchObject({ problems: [], brought: [source("real/f")] });
    expect(find(["real", "real/f"]).brought).toEqual([source("real/f")]);
  });

  it("refuses the store and what lies in it, also through a link, and keeps what lies beside it", () => {
    mkdirSync(join(d, "real/store/packs"), { recursive: true });
    symlinkSync("real/store", join(d, "to store"));
    for (const path of ["real/store", "real/store/packs", "to store", "to store/packs", "to store/"]) {
      expect(() => find([path], { store: "real/store" }), path).toThrow(/is the store/);
    }
    expect(placesOf(["real"], { store: "real/store" })).toEqual([source("real")]);
  });

  it("cuts a pattern that names a place of the host to what is left of it below each source", () => {
    mkdirSync(join(d, "other"));
    symlinkSync("real", join(d, "link"));
    const patternsOf = (excludes: string[], ...paths: string[]) =>
      find(paths, { excludes }).sources.map(({ excludes: lines }) => lines.map(({ line }) => line));
    expect(patternsOf([join(d, "real/sub/x"), "!/f", "*.o"], "real", "other")).toEqual([
      ["/sub/x", "!/f", "*.o"],
      ["!/f", "*.o"],
    ]);
    expect(patternsOf([join(d, "*/sub/")], "real", "other")).toEqual([["/sub/"], ["/sub/"]]);
    expect(patternsOf([join(d, "link/sub"), join(d, "real/f")], "link/")).toEqual([["/sub", "/f"]]);
    expect(patternsOf([join(d, "real")], "real")).toEqual([[join(d, "real")]]);
    expect(patternsOf(["/**/sub"], "real")).toEqual([["/**/sub"]]);
  });
});
