/** Stores with a log and states that were synthesised: no pack is in them. */
import type { StateHead } from "#shared/format/state.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import { stateKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { foldEntry } from "./fold-entry.ts";
import { putEntry, testEntry, testPack, testState, testStoreId } from "./log.fixtures.ts";
import { emptyLogState, type LogState } from "./log-state.ts";

/** Publishes states one after the other in a store, without the rules that cost requests. */
export class TestHistory {
  readonly store: Store;
  state: LogState = emptyLogState(testStoreId);
  /** Heads by name. */
  readonly heads = new Map<string, StateHead>();

  constructor(store: Store) {
    this.store = store;
  }

  /** Puts a state, and the entry that publishes it. */
  async commit(name: string): Promise<void> {
    const { stateId, head, headBytes, section } = testState(name, { packs: [testPack(name).pack] });
    await this.store.put(stateKey(stateId), [headBytes, section]);
    this.heads.set(name, head);
    const { commitId } = head;
    const lengths = { headBytes: headBytes.byteLength, stateBytes: headBytes.byteLength + section.byteLength };
    await this.append([{ type: "commit", stateId, commitId, ...lengths, revive: [] }]);
  }

  /** Publishes `count` states whose names begin so. */
  async commits(prefix: string, count: number): Promise<void> {
    for (let index = 0; index < count; index++) await this.commit(`${prefix}${index}`);
  }

  /** Puts an entry of these events. */
  async append(events: readonly LogEvent[]): Promise<void> {
    const stored = testEntry(this.state, events);
    await putEntry(this.store, stored);
    this.state = foldEntry(this.state, stored);
  }
}
