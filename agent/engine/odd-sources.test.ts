import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import { FilesystemImporter } from "#agent/importers/filesystem-importer.ts";
import { nothingSkipped } from "#agent/importers/skipped-directories.ts";
import { backupSmall, collectingReporter } from "#shared/operations/small-store.testing.ts";
import { noise, SmallHost, treeLines } from "./small-host.testing.ts";

const hosts: SmallHost[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.remove();
});

async function newHost(): Promise<SmallHost> {
  const host = await SmallHost.make();
  hosts.push(host);
  return host;
}

function write(host: SmallHost, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(host.source, name, ".."), { recursive: true });
    writeFileSync(join(host.source, name), content);
  }
}

const skipped = (why: string): void => void process.stderr.write(`\nSKIPPED: ${why}\n\n`);

/** Runs something as a user who owns nothing, when this process is root's. */
async function asNobody<Result>(run: () => Promise<Result>): Promise<Result> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    return await run();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

describe("what may not be read", () => {
  it("is told, recorded in the snapshot, and does not keep the rest from it", async () => {
    const host = await newHost();
    write(host, { "a/readable": "yes", "b/secret": "no", "locked/inside": "never seen", "z/last": "last" });
    symlinkSync("nowhere", join(host.source, "b/link"));
    chmodSync(join(host.source, "b/secret"), 0);
    chmodSync(join(host.source, "locked"), 0);
    chmodSync(host.directory, 0o777);
    const { reporter, errors } = collectingReporter();
    const report = await asNobody(async () => {
      const { source: root } = host;
      const importer = new FilesystemImporter({
        root,
        host: "small",
        excludes: [],
        oneFileSystem: false,
        xattrs: true,
        skip: nothingSkipped,
      });
      try {
        return await backupSmall(host.store, [importer], { reporter });
      } finally {
        await importer.close();
      }
    });
    expect(report.errorCount).toBe(2);
    expect(new Map(errors.map((error) => [error.path, error.kind]))).toEqual(
      new Map([
        [join(host.source, "b/secret"), "EACCES"],
        [join(host.source, "locked"), "EACCES"],
      ]),
    );
    const restored = await host.restore();
    expect(restored.outcome).toBe("partial");
    expect(restored.errors.map((error) => error.path)).toEqual(["b/secret"]);
    expect([...treeLines(restored.target).keys()]).toEqual(["a", "a/readable", "b", "b/link", "locked", "z", "z/last"]);
    expect(await host.check()).toMatchObject({ outcome: "ok" });
    // Once it may be read it is, though nothing but its mode changed.
    chmodSync(join(host.source, "b/secret"), 0o644);
    chmodSync(join(host.source, "locked"), 0o755);
    expect(await host.backup()).toMatchObject({ outcome: "ok" });
    const whole = await host.restore();
    expect(treeLines(whole.target)).toEqual(treeLines(host.source));
  });
});

describe("files that change while they are read", () => {
  it("are marked, read again the next time, and never mixed up with others", async () => {
    const host = await newHost();
    for (let number = 0; number < 30; number++) write(host, { [`still ${number}`]: noise(`${number}`, 30_000) });
    write(host, { growing: noise("growing", 3_000_000), shrinking: noise("shrinking", 3_000_000) });
    const writer = new Worker(
      `const { appendFileSync, truncateSync } = require("node:fs");
       const { workerData, parentPort } = require("node:worker_threads");
       parentPort.postMessage("begun");
       for (let size = 3_000_000; ; size -= 1000) {
         appendFileSync(workerData + "/growing", "x".repeat(500));
         if (size > 0) truncateSync(workerData + "/shrinking", size);
         Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
       }`,
      { eval: true, workerData: host.source },
    );
    let first;
    try {
      await new Promise((resolve) => writer.once("message", resolve));
      first = await host.backup();
    } finally {
      await writer.terminate();
    }
    expect(first.outcome).toBe("ok");
    // Each is read up to three times; one that stands still in one of them is whole.
    expect(Number(first.facts["changedWhileRead"] ?? 0)).toBeLessThanOrEqual(2);
    const restored = await host.restore();
    expect(restored.outcome).toBe("ok");
    for (let number = 0; number < 30; number++)
      expect(readFileSync(join(restored.target, `still ${number}`))).toEqual(noise(`${number}`, 30_000));
    const grown = readFileSync(join(restored.target, "growing"));
    expect(grown.subarray(0, 3_000_000)).toEqual(noise("growing", 3_000_000));
    const shrunk = readFileSync(join(restored.target, "shrinking"));
    expect(shrunk).toEqual(noise("shrinking", 3_000_000).subarray(0, shrunk.byteLength));
    const second = await host.backup();
    expect(second.facts["changedWhileRead"]).toBeUndefined();
    expect(Number(second.facts["unchanged"])).toBeGreaterThanOrEqual(30);
    const whole = await host.restore();
    expect(treeLines(whole.target)).toEqual(treeLines(host.source));
  });
});

describe("other filesystems", () => {
  it("are entered or not as asked, and the directory they hang in is there either way", async (context) => {
    const host = await newHost();
    write(host, { "d/file": "on the first", "d/mounted/hidden": "below the mount", "other/file": "x" });
    const mounted = join(host.source, "d/mounted");
    if (spawnSync("mount", ["-t", "tmpfs", "none", mounted]).status !== 0) {
      skipped("no filesystem may be mounted here");
      return context.skip();
    }
    try {
      mkdirSync(join(mounted, "deep"));
      writeFileSync(join(mounted, "deep/file"), "on the second");
      await host.backup({ oneFileSystem: true });
      const without = await host.restore();
      expect([...treeLines(without.target).keys()]).toEqual(["d", "d/file", "d/mounted", "other", "other/file"]);
      await host.backup({ oneFileSystem: false });
      const all = await host.restore();
      expect(treeLines(all.target)).toEqual(treeLines(host.source));
      // Both named: both there.
      await host.backup({ oneFileSystem: true, paths: [host.source, join(mounted, "deep")] });
      const both = await host.restore({ reference: { snapshot: { by: "age", back: 0 }, path: undefined } });
      expect(readFileSync(join(both.target, mounted, "deep/file"), "utf8")).toBe("on the second");
      expect(readFileSync(join(both.target, host.source, "d/file"), "utf8")).toBe("on the first");
    } finally {
      spawnSync("umount", [mounted]);
    }
  });
});

describe("names", () => {
  it("of every byte, of 255 bytes, and deep below come back", async () => {
    const host = await newHost();
    const names: Buffer[] = [];
    for (let byte = 1; byte < 256; byte++)
      if (byte !== 0x2f) names.push(Buffer.from([0x61, byte, 0x62]), Buffer.from([byte, 0x7a]));
    names.push(Buffer.alloc(255, 0xfe), Buffer.alloc(255, 0x41));
    for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${host.source}/`), name]), name);
    let deep = host.source;
    for (let depth = 0; depth < 40; depth++) deep = join(deep, `${depth}-${"d".repeat(20)}`);
    mkdirSync(deep, { recursive: true });
    writeFileSync(join(deep, "file"), "deep");
    expect(await host.backup()).toMatchObject({ outcome: "ok", errors: [] });
    const restored = await host.restore();
    expect(restored).toMatchObject({ outcome: "ok", errors: [] });
    for (const name of names)
      expect(readFileSync(Buffer.concat([Buffer.from(`${restored.target}/`), name]))).toEqual(name);
    expect(readFileSync(join(deep.replace(host.source, restored.target), "file"), "utf8")).toBe("deep");
    expect(await host.backup()).toMatchObject({ facts: { changed: 0 } });
  });
});
