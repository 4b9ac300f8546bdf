import { describe, expect, it } from "vitest";
import { systemClock } from "#shared/clock.ts";
import { systemRandom } from "#shared/random.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { createRepository, type StoreSettings } from "./create-repository.ts";
import { readConfig } from "./open-repository.ts";

const make = (settings: StoreSettings) => {
  const store = memoryStore();
  return {
    store,
    made: createRepository({ store, passphrase: undefined, settings, random: systemRandom, clock: systemClock }),
  };
};

describe("createRepository", () => {
  it.each<[string, StoreSettings]>([
    ["chunks of fewer than 64 bytes", { chunkMinBytes: 16, chunkAvgBytes: 64, chunkMaxBytes: 128 }],
    ["an average that is no power of two", { chunkMinBytes: 64, chunkAvgBytes: 100, chunkMaxBytes: 128 }],
    [
      "a least chunk that is longer than the longest",
      { chunkMinBytes: 4096, chunkAvgBytes: 4096, chunkMaxBytes: 1024 },
    ],
    ["a chunk longer than any blob may be", { chunkMaxBytes: 64 * 1024 * 1024 }],
    ["tiny segments", { segmentBytes: 100 }],
    ["tiny packs", { packBytes: 100 }],
    ["a compression level that there is not", { compressionLevel: 40 }],
    ["half a byte", { segmentBytes: 4096.5 }],
    ["a grace period of less than nothing", { graceMs: -1 }],
  ])("refuses %s, and writes nothing", async (_name, settings) => {
    const { store, made } = make(settings);
    await expect(made).rejects.toMatchObject({ kind: "invalid" });
    const keys = [];
    for await (const { key } of store.list("")) keys.push(key);
    expect(keys).toEqual([]);
  });

  it("writes a config that reads back as what it says it made", async () => {
    const { store, made } = make({
      segmentBytes: 4096,
      packBytes: 65536,
      chunkMinBytes: 64,
      chunkAvgBytes: 64,
      chunkMaxBytes: 64,
    });
    const { config } = await made;
    expect((await readConfig(store)).config).toEqual(config);
  });
});
