import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { decodePackHeader, packHeaderBytes } from "#shared/format/pack.ts";
import { type ScriptedEntry, scriptedSource } from "#shared/operations/backup/scripted-source.testing.ts";
import { backupSmall } from "#shared/operations/small-store.testing.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import type { Store } from "#shared/store/store.ts";
import { noise, SmallHost, smallSettings, treeLines } from "./small-host.testing.ts";

const hosts: SmallHost[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.remove();
});

async function newHost(settings = smallSettings): Promise<SmallHost> {
  const host = await SmallHost.make({ settings });
  hosts.push(host);
  return host;
}

function write(host: SmallHost, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(host.source, name, ".."), { recursive: true });
    writeFileSync(join(host.source, name), content);
  }
}

/** A copy of the host's store in which `change` may replace objects; undefined takes one away. */
async function copyOf(
  host: SmallHost,
  change: (key: string, bytes: Uint8Array) => Uint8Array | undefined,
): Promise<Store> {
  const copy = memoryStore();
  for (const key of await host.keys()) {
    const bytes = change(key, await host.store.get(key));
    if (bytes !== undefined) await copy.put(key, [bytes]);
  }
  return copy;
}

const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ 0x10;
  return copy;
};

const isPackOf = (kind: "data" | "meta", key: string, bytes: Uint8Array): boolean =>
  key.startsWith("packs/") && decodePackHeader(bytes.subarray(0, packHeaderBytes), key).kind === kind;

/** Restores from a damaged store: what is told as failed is not there, all else is as it was. @returns what failed */
async function expectRestIsRight(host: SmallHost, store: Store): Promise<string[]> {
  const restored = await host.restore({}, { store });
  const failed = restored.errors.map((error) => error.path);
  expect(restored.outcome).toBe(failed.length === 0 ? "ok" : "corrupt");
  const wanted = treeLines(host.source);
  const found = treeLines(restored.target);
  for (const path of failed) {
    expect(found.has(path), path).toBe(false);
    wanted.delete(path);
  }
  expect(found).toEqual(wanted);
  return failed;
}

describe("a restore from a store with damaged content", () => {
  it("restores all but the files in the damaged segment, and leaves nothing of those", async () => {
    const host = await newHost();
    for (let number = 0; number < 30; number++) write(host, { [`d/${number}`]: noise(`${number}`, 5000) });
    write(host, { "large file of many chunks": noise("large", 200_000) });
    await host.backup();
    let damaged = 0;
    for (const key of await host.keys("packs/")) {
      if (!isPackOf("data", key, await host.store.get(key))) continue;
      damaged++;
      const store = await copyOf(host, (each, bytes) => (each === key ? flipped(bytes, bytes.byteLength >> 1) : bytes));
      const failed = await expectRestIsRight(host, store);
      expect(failed.length, key).toBeGreaterThan(0);
      expect(failed.length, key).toBeLessThan(8);
    }
    expect(damaged).toBeGreaterThan(3);
  });

  it("restores all but the files of a pack that is missing or cut short", async () => {
    const host = await newHost();
    for (let number = 0; number < 30; number++) write(host, { [`d/${number}`]: noise(`${number}`, 10_000) });
    await host.backup();
    const [key = ""] = (
      await Promise.all((await host.keys("packs/")).map(async (each) => ({ each, bytes: await host.store.get(each) })))
    )
      .filter(({ each, bytes }) => isPackOf("data", each, bytes))
      .map(({ each }) => each);
    const missing = await expectRestIsRight(
      host,
      await copyOf(host, (each, bytes) => (each === key ? undefined : bytes)),
    );
    const half = await expectRestIsRight(
      host,
      await copyOf(host, (each, bytes) => (each === key ? bytes.slice(0, bytes.byteLength >> 1) : bytes)),
    );
    const empty = await expectRestIsRight(
      host,
      await copyOf(host, (each, bytes) => (each === key ? new Uint8Array(0) : bytes)),
    );
    const trailer = await expectRestIsRight(
      host,
      await copyOf(host, (each, bytes) => (each === key ? bytes.slice(0, -1) : bytes)),
    );
    expect(missing.length).toBeGreaterThan(3);
    expect(missing.length).toBeLessThan(20);
    expect(empty).toEqual(missing);
    expect(half.length).toBeGreaterThan(0);
    expect(half.length).toBeLessThan(missing.length);
    expect(trailer).toEqual([]);
  });

  it("does not touch a file of the target that it cannot replace by a whole one", async () => {
    const host = await newHost();
    write(host, { small: noise("small", 3000), large: noise("large", 100_000) });
    await host.backup();
    const store = await copyOf(host, (key, bytes) =>
      isPackOf("data", key, bytes) ? flipped(flipped(bytes, 100), bytes.byteLength - 2000) : bytes,
    );
    const target = host.path("there already");
    mkdirSync(target);
    for (const name of ["small", "large"]) writeFileSync(join(target, name), `old ${name}`);
    const restored = await host.restore({ target, overwrite: "always" }, { store });
    expect(restored.outcome).toBe("corrupt");
    expect(restored.errors.length).toBeGreaterThan(0);
    for (const { path } of restored.errors) expect(readFileSync(join(target, path), "utf8")).toBe(`old ${path}`);
    expect([...treeLines(target).keys()].sort()).toEqual(["large", "small"]);
  });
});

describe("a restore from a store with a damaged tree", () => {
  it("restores what other leaves of the tree tell, and says what is missing", async () => {
    const host = await newHost();
    // Attributes that no compressor shrinks make leaves long, so that they lie in several segments.
    const entries: ScriptedEntry[] = [];
    for (let number = 0; number < 800; number++) {
      entries.push({ path: `d${number % 40}/${number}`, content: `${number}`, xattr: noise(`${number}`, 2000) });
    }
    await backupSmall(host.store, [scriptedSource({ root: host.source, entries })]);
    const reference = { snapshot: { by: "age", back: 0 }, path: host.source } as const;
    const undamaged = await host.restore({ reference, xattrs: false });
    expect(undamaged).toMatchObject({ outcome: "ok", errors: [] });
    const whole = treeLines(undamaged.target);
    let tried = 0;
    for (const key of await host.keys("packs/")) {
      if (!isPackOf("meta", key, await host.store.get(key))) continue;
      tried++;
      const store = await copyOf(host, (each, old) => (each === key ? flipped(old, packHeaderBytes + 20) : old));
      const restored = await host.restore({ reference, xattrs: false }, { store });
      expect(restored.outcome).toBe("corrupt");
      expect(restored.errors.map((error) => error.kind)).toContain("corrupt");
      const found = treeLines(restored.target);
      expect(found.size).toBeLessThan(whole.size);
      if (found.size > 0) expect(found.size).toBeGreaterThan(whole.size / 4);
      for (const [path, line] of found) if (line.startsWith("file")) expect(whole.get(path)).toBe(line);
    }
    expect(tried).toBeGreaterThan(2);
  });
});

describe("a backup to a store with damage", () => {
  it("never makes a snapshot that needs what it found damaged", async () => {
    const host = await newHost();
    for (let number = 0; number < 20; number++) write(host, { [`d/${number}`]: noise(`${number}`, 5000) });
    await host.backup();
    const store = await copyOf(host, (key, bytes) =>
      isPackOf("meta", key, bytes) ? flipped(bytes, packHeaderBytes + 20) : bytes,
    );
    const second = await host.backup({}, { store }).catch((error: unknown) => error as { kind: string });
    if ("kind" in second) expect(second.kind).toBe("corrupt");
    else {
      expect(second.notices.map((notice) => notice.level)).toContain("warning");
      const restored = await host.restore({}, { store });
      expect(restored.outcome).toBe("ok");
      expect(treeLines(restored.target)).toEqual(treeLines(host.source));
    }
  });

  it("stores again what a damaged state told of, and is whole", async () => {
    const host = await newHost();
    for (let number = 0; number < 20; number++) write(host, { [`d/${number}`]: noise(`${number}`, 5000) });
    await host.backup();
    const store = await copyOf(host, (key, bytes) => (key.startsWith("states/") ? flipped(bytes, 200) : bytes));
    const second = await host.backup({}, { store });
    expect(second).toMatchObject({ outcome: "ok", facts: { newBytes: 100_000 } });
    const snapshot = { by: "prefix", prefix: String(second.facts["snapshot"]) } as const;
    const restored = await host.restore({ reference: { snapshot, path: host.source } }, { store });
    expect(treeLines(restored.target)).toEqual(treeLines(host.source));
  });
});
