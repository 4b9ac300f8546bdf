import { beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "#shared/clock.ts";
import { type Bundle, writerBundle } from "#shared/crypto/bundle.ts";
import { decodeRecoveryKey } from "#shared/crypto/recovery-key.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { systemRandom } from "#shared/random.ts";
import { configKey, keySlotsPrefix } from "#shared/store/object-key.ts";
import { faultyStore } from "#shared/store/faulty-store.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import type { Store } from "#shared/store/store.ts";
import { createRepository } from "./create-repository.ts";
import {
  addKeySlot,
  damagedKeySlots,
  isUnreadable,
  listKeySlots,
  openKeySlot,
  removeKeySlot,
  type SlotSecret,
} from "./key-slots.ts";
import { readConfig } from "./open-repository.ts";

const passphrase: SlotSecret = { kind: "passphrase", passphrase: "correct horse" };
let objects: Map<string, Uint8Array>;
let recovery: SlotSecret;
let bundle: Bundle;
let passphraseKey = "";
let recoveryKeyName = "";

beforeAll(async () => {
  const store = memoryStore();
  const { recoveryKey } = await createRepository({
    store,
    passphrase: "correct horse",
    random: systemRandom,
    clock: systemClock,
  });
  recovery = { kind: "random", secret: decodeRecoveryKey(recoveryKey ?? "") };
  objects = new Map();
  for await (const { key } of store.list("")) objects.set(key, await store.get(key));
  const opened = await openKeySlot(await placeIn(store), recovery);
  bundle = opened.bundle;
  recoveryKeyName = keySlotsPrefix + opened.slot.slotId;
  passphraseKey = [...objects.keys()].find((key) => key.startsWith(keySlotsPrefix) && key !== recoveryKeyName) ?? "";
});

async function placeIn(store: Store) {
  const { config, configSha256 } = await readConfig(store);
  return { store, storeId: config.storeId, configSha256 };
}

async function storeWith(changes: ReadonlyMap<string, Uint8Array | undefined>): Promise<Store> {
  const store = memoryStore();
  for (const [key, bytes] of new Map<string, Uint8Array | undefined>([...objects, ...changes]))
    if (bytes !== undefined) await store.put(key, [bytes]);
  return store;
}

const bytesOf = (key: string): Uint8Array => objects.get(key) ?? expect.fail(`no ${key}`);
const flipped = (bytes: Uint8Array, at: number): Uint8Array => bytes.with(at, (bytes[at] ?? 0) ^ (1 << (at & 7)));
const isDamage = (error: unknown): boolean => isHoldfastError(error, "corrupt", "incompatible");

describe("key slots", () => {
  it("say which of them is damaged, and that another key may open the store", async () => {
    const store = await storeWith(
      new Map([[passphraseKey, flipped(bytesOf(passphraseKey), bytesOf(passphraseKey).byteLength >> 1)]]),
    );
    const place = await placeIn(store);
    expect((await damagedKeySlots(place)).map((each) => each.key)).toEqual([passphraseKey]);
    const error: unknown = await openKeySlot(place, passphrase).catch((thrown: unknown) => thrown);
    expect(isHoldfastError(error, "corrupt") && error.hint).toMatch(/recovery key/);
    expect((await openKeySlot(place, recovery)).bundle).toEqual(bundle);
    expect(await damagedKeySlots(await placeIn(await storeWith(new Map())))).toEqual([]);
  });

  it("that cannot be read leave the others to be tried, and are told", async () => {
    for (const kind of ["denied", "unavailable"] as const) {
      const why = `Cannot read ${recoveryKeyName}: no`;
      const store = faultyStore(await storeWith(new Map()), {
        fault: ({ key }) =>
          key === recoveryKeyName ? { when: "before", error: new HoldfastError(kind, why) } : undefined,
      });
      const place = await placeIn(store);
      const opened = await openKeySlot(place, passphrase);
      expect(opened.bundle).toEqual(bundle);
      expect(opened.unread.map(({ message }) => message)).toEqual([why]);
      const listed = await listKeySlots(place);
      expect(listed.map((each) => "problem" in each && isUnreadable(each.problem)).toSorted()).toEqual([false, true]);
      expect(await damagedKeySlots(place)).toEqual([]);
      await expect(openKeySlot(place, recovery)).rejects.toMatchObject({
        kind,
        message: `Cannot open the store: the key fits none of the key slots that can be read, and 1 of 2 cannot be: ${why}`,
      });
    }
  });

  it("that are removed while they are listed are passed over", async () => {
    const store = await storeWith(new Map());
    const listing: Store = {
      ...store,
      async *list(prefix, options) {
        yield* store.list(prefix, options);
        if (prefix === keySlotsPrefix) yield { key: `${keySlotsPrefix}${"0".repeat(32)}`, sizeBytes: 1 };
      },
    };
    expect((await openKeySlot(await placeIn(listing), passphrase)).unread).toEqual([]);
  });

  it("open with the passphrase and with the recovery key to the same keys, and with nothing else", async () => {
    const place = await placeIn(await storeWith(new Map()));
    expect((await openKeySlot(place, passphrase)).bundle).toEqual(bundle);
    await expect(openKeySlot(place, { kind: "passphrase", passphrase: "wrong" })).rejects.toMatchObject({
      kind: "denied",
    });
    await expect(openKeySlot(place, { kind: "random", secret: new Uint8Array(32) })).rejects.toMatchObject({
      kind: "denied",
    });
  });

  it("of which any byte changed are told, and do not keep the others from opening", async () => {
    for (const key of [passphraseKey, recoveryKeyName]) {
      const bytes = bytesOf(key);
      for (let at = 0; at < bytes.byteLength; at++) {
        const place = await placeIn(await storeWith(new Map([[key, flipped(bytes, at)]])));
        const listed = await listKeySlots(place);
        expect(listed.map((each) => "problem" in each && each.key).filter(Boolean), `byte ${at}`).toEqual([key]);
        const opened = await openKeySlot(place, recovery).catch((error: unknown) => error);
        if (key === passphraseKey) expect(opened, `byte ${at}`).toMatchObject({ bundle });
        else if (!isDamage(opened)) expect.fail(`byte ${at}: ${String(opened)}`);
      }
    }
  });

  it("that are cut short, missing or in each other's place are told", async () => {
    const left = bytesOf(passphraseKey);
    const right = bytesOf(recoveryKeyName);
    const cut = await placeIn(await storeWith(new Map([[recoveryKeyName, right.slice(0, 50)]])));
    await expect(openKeySlot(cut, recovery)).rejects.toSatisfy(isDamage);
    const swapped = await placeIn(
      await storeWith(
        new Map([
          [passphraseKey, right],
          [recoveryKeyName, left],
        ]),
      ),
    );
    await expect(openKeySlot(swapped, recovery)).rejects.toSatisfy(isDamage);
    const missing = await placeIn(await storeWith(new Map([[recoveryKeyName, undefined]])));
    await expect(openKeySlot(missing, recovery)).rejects.toMatchObject({ kind: "denied" });
    const none = await placeIn(
      await storeWith(
        new Map([
          [recoveryKeyName, undefined],
          [passphraseKey, undefined],
        ]),
      ),
    );
    await expect(openKeySlot(none, recovery)).rejects.toSatisfy(isDamage);
  });

  it("do not open beside another config", async () => {
    const other = memoryStore();
    await createRepository({ store: other, passphrase: undefined, random: systemRandom, clock: systemClock });
    const store = await storeWith(new Map([[configKey, await other.get(configKey)]]));
    await expect(openKeySlot(await placeIn(store), recovery)).rejects.toMatchObject({ kind: "corrupt" });
    // Even one that claims to be of the same store.
    const place = await placeIn(await storeWith(new Map()));
    await expect(
      openKeySlot({ ...place, configSha256: place.configSha256.with(0, 1 ^ (place.configSha256[0] ?? 0)) }, recovery),
    ).rejects.toMatchObject({ kind: "denied" });
  });

  it("can be added and removed without the others' doing", async () => {
    const place = await placeIn(await storeWith(new Map()));
    if (bundle.role !== "owner") return expect.fail("not an owner");
    const secret = systemRandom(32);
    const writer = await writerBundle(bundle.masterSecret);
    const added = await addKeySlot(
      place,
      { bundle: writer, label: "a writer", secret: { kind: "random", secret } },
      { random: systemRandom, clock: systemClock },
    );
    expect((await openKeySlot(place, { kind: "random", secret })).bundle).toEqual(writer);
    await removeKeySlot(place, added.slotId);
    await expect(openKeySlot(place, { kind: "random", secret })).rejects.toMatchObject({ kind: "denied" });
    expect((await openKeySlot(place, recovery)).bundle).toEqual(bundle);
  });
});
