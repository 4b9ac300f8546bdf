import { expect } from "vitest";
import { sha256 } from "#shared/crypto/sha256.ts";
import type { StoreConfig } from "#shared/format/config.ts";
import type { PackId, StateId } from "#shared/format/ids.ts";
import type { StatePack } from "#shared/format/state.ts";
import type { Appender } from "#shared/log/append-entry.ts";
import { seededRandom, testPack, testSigner, testState, testStoreId } from "#shared/log/log.fixtures.ts";
import { emptyLogState, type LogState } from "#shared/log/log-state.ts";
import { publishState } from "#shared/log/publish-state.ts";
import { readLog } from "#shared/log/read-log.ts";
import { readStateHead } from "#shared/log/read-state-head.ts";
import { removeSnapshots } from "#shared/log/remove-snapshots.ts";
import { resolvePacks } from "#shared/log/resolve-row.ts";
import { stageState, type StagedState } from "#shared/log/stage-state.ts";
import { isHoldfastError } from "#shared/errors.ts";
import type { Notice } from "#shared/operations/progress.ts";
import { silentReporter } from "#shared/operations/progress.ts";
import { type ManualClock, manualClock } from "#shared/store/manual-clock.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { packKey, stateKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { maintenance, type MaintenanceOptions, type MaintenanceReport } from "./maintenance.ts";
import { askWitnesses, type Witnesses } from "./witnesses.ts";

/** Times of these tests. */
export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** A config of 7 days' grace; maintenance looks at nothing else in it. */
export const testConfig: StoreConfig = {
  storeId: testStoreId,
  createdMs: 0,
  secrecy: "public",
  chunker: { id: "fastcdc-gear64-v1", minBytes: 64, avgBytes: 64, maxBytes: 64 },
  segmentBytes: 4096,
  packBytes: 65_536,
  compression: { id: "zstd", level: 1 },
  publicKey: new Uint8Array(32),
  graceMs: 7 * dayMs,
};

/** A store of structure only: packs of two segments that nobody can open, states, a log, and a clock. */
export class SmallLog {
  readonly clock: ManualClock;
  readonly store: Store;
  #seed = 0;

  /** @param tellsTimes - whether listings tell when objects came */
  constructor({ tellsTimes = true, clock = manualClock(1_700_000_000_000) } = {}) {
    this.clock = clock;
    this.store = memoryStore(tellsTimes ? { clock } : {});
  }

  appender(store = this.store): Appender {
    const random = seededRandom(`appender ${++this.#seed}`);
    return { store, signer: testSigner, clock: this.clock, random, from: emptyLogState(testStoreId) };
  }

  /** Puts a pack. */
  async upload(name: string, store = this.store): Promise<StatePack> {
    const { pack, bytes } = testPack(name);
    await store.put(packKey(pack.packId), [bytes], { sha256: sha256(bytes) }).catch((error: unknown) => {
      if (!isHoldfastError(error, "conflict")) throw error;
    });
    return pack;
  }

  /** Puts new packs and the state that adds and references them, and references `others`. */
  async stage(
    name: string,
    packs: readonly string[],
    others: readonly string[] = [],
    store = this.store,
    baseSeq = 0,
  ): Promise<StagedState> {
    const added = [];
    for (const each of packs) added.push(await this.upload(each, store));
    const references = [...packs, ...others].map(packIdOf);
    const { headBytes, section } = testState(name, { packs: added, references, baseSeq });
    return stageState(store, headBytes, [section]);
  }

  /** Stages and publishes a snapshot. */
  async commit(name: string, packs: readonly string[], others: readonly string[] = [], baseSeq = 0): Promise<StateId> {
    const staged = await this.stage(name, packs, others, this.store, baseSeq);
    await publishState(this.appender(), { staged });
    return staged.stateId;
  }

  async remove(...snapshots: StateId[]): Promise<void> {
    await removeSnapshots(this.appender(), snapshots);
  }

  log(): Promise<LogState> {
    return readLog({ store: this.store, from: emptyLogState(testStoreId) });
  }

  /** The clocks as they are now. */
  witnesses(state: LogState): Promise<Witnesses> {
    return askWitnesses({ store: this.store, state, clock: this.clock, acceptsClock: false });
  }

  /** One maintenance, without compaction, that condemns as much as it likes. */
  async maintain(
    options: Partial<MaintenanceOptions> & { readonly store?: Store } = {},
  ): Promise<MaintenanceReport & { readonly warnings: readonly string[] }> {
    const { store = this.store, ...given } = options;
    const warnings: string[] = [];
    const report = await maintenance({
      appender: this.appender(store),
      config: testConfig,
      dryRun: false,
      force: true,
      compact: false,
      reporter: { ...silentReporter, notice: ({ message }: Notice) => void warnings.push(message) },
      ...given,
    });
    return { ...report, warnings };
  }

  /** Names of those packs that are in the store. */
  async stored(...names: string[]): Promise<string[]> {
    const there = [];
    for (const name of names) if (await this.has(packKey(packIdOf(name)))) there.push(name);
    return there;
  }

  hasState(stateId: StateId): Promise<boolean> {
    return this.has(stateKey(stateId));
  }

  has(key: string): Promise<boolean> {
    return this.store.head(key).then(
      () => true,
      (error: unknown) => {
        if (isHoldfastError(error, "absent")) return false;
        throw error;
      },
    );
  }

  /** What must hold at any moment: live snapshots have their state and all their packs, none of them condemned or swept. */
  async expectSound(what = "the store"): Promise<LogState> {
    const state = await this.log();
    for (const record of state.snapshots.values()) {
      if (record.removed !== undefined) continue;
      const { head } = await readStateHead(this.store, testStoreId, record);
      for (const packId of resolvePacks(state, head.references)) {
        expect(state.swept.has(packId), `${what}: ${packId} was swept`).toBe(false);
        expect(state.condemned.has(packId), `${what}: ${packId} is condemned`).toBe(false);
        expect(await this.has(packKey(packId)), `${what}: ${packId} is there`).toBe(true);
      }
    }
    for (const packId of state.condemned.keys())
      expect(await this.has(packKey(packId)), `${what}: condemned ${packId} is there`).toBe(true);
    return state;
  }
}

/** A log of two snapshots: `one` is removed, and pack a, which it alone needed, condemned; "two" needs pack b. */
export async function onePackCondemned(): Promise<{ readonly world: SmallLog; readonly one: StateId }> {
  const world = new SmallLog();
  const one = await world.commit("one", ["a"]);
  await world.commit("two", ["b"]);
  await world.remove(one);
  await world.maintain();
  return { world, one };
}

/** The id of the pack of that name. */
export function packIdOf(name: string): PackId {
  return testPack(name).pack.packId;
}
