import { mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { SmallHost } from "./small-host.testing.ts";

const hosts: SmallHost[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.remove();
});

async function newHost(files: Readonly<Record<string, string>>): Promise<SmallHost> {
  const host = await SmallHost.make();
  hosts.push(host);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(host.source, name, ".."), { recursive: true });
    writeFileSync(join(host.source, name), content);
  }
  return host;
}

/** The content of a file of the newest snapshot, restored. */
async function stored(host: SmallHost, path: string): Promise<string> {
  const { target } = await host.restore({
    reference: { snapshot: { by: "age", back: 0 }, path: join(host.source, path) },
  });
  const name = path.slice(path.lastIndexOf("/") + 1);
  return readFileSync(join(target, name), "utf8");
}

describe("backup of named paths", () => {
  it("stores a path below another that only a link leads to", async () => {
    const host = await newHost({ "srv/a": "a", "disk/data/db": "D" });
    symlinkSync("../disk", join(host.source, "srv/current"));
    const paths = ["srv", "srv/current/data"].map((path) => join(host.source, path));
    expect(await host.backup({ paths })).toMatchObject({ outcome: "ok" });
    expect(await stored(host, "disk/data/db")).toBe("D");
  });

  it("stores a path below an excluded directory of another", async () => {
    const host = await newHost({ "cache/keep/f": "1", "cache/drop": "2" });
    const paths = [host.source, host.path("source/cache/keep")];
    expect(await host.backup({ paths, excludes: ["cache/"] })).toMatchObject({ outcome: "ok", errors: [] });
    expect(await stored(host, "cache/keep/f")).toBe("1");
    await expect(stored(host, "cache/drop")).rejects.toThrow(/Cannot find/);
  });

  it("stores what a link leads to, under the name of the link where a slash follows it", async () => {
    const host = await newHost({ "real/f": "x" });
    symlinkSync("real", join(host.source, "link"));
    const link = join(host.source, "link");
    await host.backup({ paths: [link] });
    expect(await stored(host, "real/f")).toBe("x");
    await host.backup({ paths: [`${link}/`] });
    expect(await stored(host, "link/f")).toBe("x");
    expect(await host.backup({ paths: [`${link}/`] })).toMatchObject({ facts: { unchanged: 2, changed: 0 } });
    rmSync(join(host.source, "real/f"));
    const [prefix = ""] = (await host.snapshots()).slice(-1);
    const reference = { snapshot: { by: "prefix", prefix }, path: undefined } as const;
    // In place, where the link leads.
    expect(await host.restore({ target: undefined, reference, overwrite: "changed" })).toMatchObject({ outcome: "ok" });
    expect(readFileSync(join(host.source, "real/f"), "utf8")).toBe("x");
    expect(readlinkSync(link)).toBe("real");
  });

  it("ends partial and names a path that is not there, and stores the others", async () => {
    const host = await newHost({ f: "x" });
    const gone = join(host.source, "gone");
    const report = await host.backup({ paths: [gone, host.source] });
    expect(report).toMatchObject({
      outcome: "partial",
      errors: [{ path: gone, kind: "ENOENT" }],
      facts: { errors: 1 },
    });
    expect(await stored(host, "f")).toBe("x");
    expect(await host.backup({ paths: [gone, host.source], dryRun: true })).toMatchObject({ outcome: "partial" });
    await expect(host.backup({ paths: [gone] })).rejects.toMatchObject({ kind: "absent" });
  });

  it("leaves out what an absolute pattern names, and warns of patterns that match nothing", async () => {
    const host = await newHost({ "cache/x": "1", "sub/cache/y": "2" });
    const excludes = [join(host.source, "cache"), "# no pattern", "nowhere", "!nothing"];
    const report = await host.backup({ excludes });
    expect(report.notices).toEqual([
      { level: "warning", message: "These patterns matched nothing: nowhere, !nothing." },
    ]);
    expect(await stored(host, "sub/cache/y")).toBe("2");
    await expect(stored(host, "cache/x")).rejects.toThrow(/Cannot find/);
    expect((await host.backup({ excludes, dryRun: true })).notices).toEqual(report.notices);
  });
});
