import { describe, expect, it } from "vitest";
import { systemClock } from "#shared/clock.ts";
import { systemRandom } from "#shared/random.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { checkpointKey, configKey, keySlotKey, logKey, packKey, stateKey } from "#shared/store/object-key.ts";
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
    ["a compression level that is not used", { compressionLevel: 20 }],
    ["half a byte", { segmentBytes: 4096.5 }],
    ["a grace period of less than nothing", { graceMs: -1 }],
  ])("refuses %s, and writes nothing", async (_name, settings) => {
    const { store, made } = make(settings);
    await expect(made).rejects.toMatchObject({ kind: "invalid" });
    const keys = [];
    for await (const { key } of store.list("")) keys.push(key);
    expect(keys).toEqual([]);
  });

  it.each([packKey("ab".repeat(32)), stateKey("ab".repeat(32)), logKey(1), checkpointKey(8)])(
    "leaves a place alone where %s tells of a store that lost its config, which is said to whoever opens it",
    async (key) => {
      const store = memoryStore();
      await store.put(key, [new Uint8Array(8)]);
      const options = { store, passphrase: undefined, random: systemRandom, clock: systemClock };
      await expect(createRepository(options)).rejects.toMatchObject({ kind: "conflict", detail: { key } });
      await expect(readConfig(store)).rejects.toMatchObject({ kind: "corrupt", detail: { found: key } });
      await expect(store.head(configKey)).rejects.toMatchObject({ kind: "absent" });
    },
  );

  it("begins again where a creation died after its first key slot", async () => {
    const store = memoryStore();
    await store.put(keySlotKey("ab".repeat(16)), [new Uint8Array(8)]);
    await expect(readConfig(store)).rejects.toMatchObject({ kind: "absent" });
    await createRepository({ store, passphrase: undefined, random: systemRandom, clock: systemClock });
    await readConfig(store);
  });

  it("gives the recovery key away before there is a store, and makes none where it is not taken", async () => {
    const store = memoryStore();
    const passphrase = "x";
    const given: string[] = [];
    const create = (keepRecoveryKey: (recoveryKey: string, storeId: string) => Promise<void>) =>
      createRepository({ store, passphrase, keepRecoveryKey, random: systemRandom, clock: systemClock });
    const lost = create(async () => {
      throw new Error("the output is gone");
    });
    await expect(lost).rejects.toThrow("the output is gone");
    await expect(store.head(configKey)).rejects.toMatchObject({ kind: "absent" });
    const made = await create(async (recoveryKey, storeId) => {
      await expect(store.head(configKey)).rejects.toMatchObject({ kind: "absent" });
      given.push(recoveryKey, storeId);
    });
    expect(given).toEqual([made.recoveryKey, made.config.storeId]);
    await readConfig(store);
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
