import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemRandom } from "#shared/random.ts";
import { directoryStore } from "./directory-store.ts";
import { memoryStore } from "./memory-store.ts";
import { reserveUsingStore } from "./reserve-using-store.ts";
import { SpaceReserve } from "./space-reserve.ts";
import type { PutOptions } from "./store.ts";

let root: string;
let directory: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "holdfast-reserve-"));
  directory = join(root, "reserve~");
});
afterEach(() => rmSync(root, { recursive: true }));

const sizes = (): number[] => readdirSync(directory).map((name) => statSync(join(directory, name)).size);

describe("SpaceReserve", () => {
  it("is spent file by file, and is filled up again, also where a file is cut", async () => {
    const reserve = new SpaceReserve(directory, systemRandom);
    expect(await reserve.spend()).toBe(false);
    await reserve.refill();
    const whole = sizes();
    expect(whole.length).toBeGreaterThan(1);
    expect(await reserve.spend()).toBe(true);
    truncateSync(join(directory, readdirSync(directory)[0]!), 0);
    await reserve.refill();
    expect(sizes()).toEqual(whole);
    for (let left = whole.length; left > 0; left--) expect(await reserve.spend()).toBe(true);
    expect(await reserve.spend()).toBe(false);
  });
});

describe("the reserve of a directory store", () => {
  it("is made when a store that was written to is closed, and is no object", async () => {
    const store = directoryStore(root, { hasReserve: true });
    await store.put("config", [Uint8Array.of(1)]);
    await store.close();
    expect(sizes()).not.toEqual([]);
    const keys = [];
    for await (const { key } of store.list("")) keys.push(key);
    expect(keys).toEqual(["config"]);
  });

  it("is not made in a directory that is no store, by a reader, or in a cache", async () => {
    const probe = directoryStore(root, { hasReserve: true });
    await probe.put("doctor/x", []);
    await probe.close();
    const cache = directoryStore(root);
    await cache.put("config", []);
    await cache.close();
    const reader = directoryStore(root, { hasReserve: true });
    await reader.get("config");
    await reader.close();
    expect(readdirSync(root)).not.toContain("reserve~");
  });
});

it("reserveUsingStore lets log entries use the reserve, and nothing else", async () => {
  const seen: [string, PutOptions | undefined][] = [];
  const inner = memoryStore();
  const store = reserveUsingStore({
    ...inner,
    async put(key, body, options) {
      seen.push([key, options]);
      await inner.put(key, body, options);
    },
  });
  const sha256 = new Uint8Array(32);
  await store.put("packs/ab/x", []);
  await store.put("log/1", [], { sha256 }).catch(() => undefined);
  expect(seen).toEqual([
    ["packs/ab/x", undefined],
    ["log/1", { sha256, mayUseReserve: true }],
  ]);
});
