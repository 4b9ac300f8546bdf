import { describe, expect, it } from "vitest";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { verifySignature } from "#shared/crypto/signing.ts";
import {
  checkCheckpointSection,
  checkpointHeadLength,
  checkpointSection,
  checkpointSectionRange,
  decodeCheckpointHead,
  encodeCheckpointHead,
} from "#shared/format/checkpoint.ts";
import { decodeFoldSection, encodeFoldSection, foldSectionName } from "#shared/format/fold-section.ts";
import { decodeStateHead, stateIdOf } from "#shared/format/state.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { meteredStore } from "#shared/store/metered-store.ts";
import { checkpointKey, checkpointsPrefix } from "#shared/store/object-key.ts";
import { foldFromCheckpoint, foldToCheckpoint } from "./checkpoint-fold.ts";
import { foldEntry } from "./fold-entry.ts";
import { putEntry, testEntry, testSigner, testState, testStoreId } from "./log.fixtures.ts";
import { emptyLogState, type LogState } from "./log-state.ts";
import { readLog } from "./read-log.ts";

describe("a checkpoint of 10,000 commits", () => {
  it("lets a fresh client list every snapshot in seven requests and one for each entry after it", async () => {
    const inner = memoryStore();
    const heads: Uint8Array[] = [];
    let state: LogState = emptyLogState(testStoreId);
    const commit = async (name: string): Promise<void> => {
      const { stateId, head, headBytes, section } = testState(name);
      const stateBytes = headBytes.byteLength + section.byteLength;
      const { commitId } = head;
      const event = {
        type: "commit",
        stateId,
        commitId,
        headBytes: headBytes.byteLength,
        stateBytes,
        revive: [],
      } as const;
      const stored = testEntry(state, [event]);
      if (state.seq >= 9999) await putEntry(inner, stored);
      state = foldEntry(state, stored);
      heads.push(headBytes);
    };
    for (let seq = 1; seq <= 10_000; seq++) await commit(`${seq}`);
    const section = checkpointSection("heads", heads);
    const fold = foldToCheckpoint(state);
    const rest = encodeFoldSection(fold.section);
    const encoded = encodeCheckpointHead(
      {
        ...fold,
        timeMs: 0,
        author: testSigner.publicKey,
        sections: [checkpointSection(foldSectionName, [rest]), section],
      },
      (message) => testSigner.sign(message),
    );
    await inner.put(checkpointKey(10_000), [encoded, rest, ...heads]);
    await commit("after");

    const { store, meter } = meteredStore(inner);
    let newest = { key: "" };
    for await (const listed of store.list(checkpointsPrefix)) newest = listed;
    const start = await store.get(newest.key, { offsetBytes: 0, lengthBytes: 20 });
    const lengthBytes = checkpointHeadLength(start, newest.key);
    const head = decodeCheckpointHead(
      await store.get(newest.key, { offsetBytes: 0, lengthBytes }),
      newest.key,
      verifySignature,
    );
    const range = checkpointSectionRange(head, lengthBytes, "heads");
    const content = await store.get(newest.key, range);
    const [describedFold, described] = head.sections;
    if (describedFold === undefined || described === undefined) throw new Error("no section");
    const foldContent = await store.get(newest.key, checkpointSectionRange(head, lengthBytes, foldSectionName));
    checkCheckpointSection(describedFold, foldContent, newest.key);
    checkCheckpointSection(described, content, newest.key);
    const decoded = decodeFoldSection(foldContent, head.seq, newest.key);
    const now = await readLog({ store, from: foldFromCheckpoint({ ...head, section: decoded }) });
    expect(now.snapshots.size).toBe(10_001);
    expect(now.lastSha256).toEqual(state.lastSha256);
    // list, head's length, head, two sections, listing of the log, one entry
    expect(meter.lists + meter.gets + meter.heads).toBe(7);

    let offset = 0;
    for (const bytes of heads.slice(0, 50)) {
      const one = content.subarray(offset, offset + bytes.byteLength);
      expect([...head.snapshots].some((each) => each.stateId === stateIdOf(one))).toBe(true);
      expect(decodeStateHead(one, "a head", verifySignature).storeId).toBe(testStoreId);
      offset += bytes.byteLength;
    }
    expect(concatBytes(...heads.slice(0, 10_000)).byteLength).toBe(content.byteLength);
  });
});
