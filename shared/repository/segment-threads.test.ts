import { afterEach, expect, it } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import { compress } from "#shared/compression/compress.ts";
import { seal } from "#shared/crypto/seal.ts";
import { encodeSegmentContent } from "#shared/format/encode-segment-content.testing.ts";
import { segmentAad, segmentCodecs } from "#shared/format/segment.ts";
import { noise } from "#shared/operations/small-store.testing.ts";
import type { SegmentKeys } from "./segment-opener.ts";
import { SegmentThreads } from "./segment-threads.ts";

const keys: SegmentKeys = {
  storeId: noise("store", 32),
  kind: "data",
  segmentId: noise("segment", 24),
  sessionKey: noise("session", 32),
};
const plain = Buffer.concat([noise("blobs", 20_000), Buffer.alloc(20_000)]);

function sealed(codec: "raw" | "zstd"): Uint8Array<ArrayBuffer> {
  const stored = codec === "raw" ? plain : compress(plain);
  const content = encodeSegmentContent(segmentCodecs[codec], plain.byteLength, stored);
  const { storeId, kind, segmentId, sessionKey } = keys;
  return seal(
    { key: sessionKey, nonce: segmentId, aad: segmentAad({ storeId, use: "segment", kind, segmentId }) },
    content,
  );
}

let threads = new SegmentThreads(0);
afterEach(() => threads.close());

async function readyThreads(count: number): Promise<void> {
  threads = new SegmentThreads(count);
  threads.start();
  while (threads.readyThreads < count) await new Promise((resolve) => setImmediate(resolve));
}

for (const count of [0, 2]) {
  it(`opens many segments at once by ${count} threads, and takes what was sealed away`, async () => {
    await readyThreads(count);
    const given = Array.from({ length: 20 }, (_, index) => sealed(index % 2 === 0 ? "raw" : "zstd"));
    for (const opened of await Promise.all(given.map((each) => threads.open(each, keys)))) {
      expect(plain.equals(opened)).toBe(true);
    }
    expect(given.map((each) => each.byteLength)).toEqual(given.map(() => 0));
  });

  it(`tells of damage, by ${count} threads, and opens the next`, async () => {
    await readyThreads(count);
    const damaged = sealed("zstd");
    damaged[100] = (damaged[100] ?? 0) ^ 1;
    await expect(threads.open(damaged, keys)).rejects.toMatchObject({ name: "HoldfastError", kind: "corrupt" });
    await expect(threads.open(new Uint8Array(3), keys)).rejects.toMatchObject({ kind: "corrupt" });
    expect(plain.equals(await threads.open(sealed("zstd"), keys))).toBe(true);
  });
}

it("opens what is asked for before a thread is ready, and after all have ended", async () => {
  threads = new SegmentThreads(1);
  expect(plain.equals(await threads.open(sealed("raw"), keys))).toBe(true);
  await readyThreads(1);
  // The thread may answer before it ends; who waits is told one or the other.
  const outcome = threads.open(sealed("zstd"), keys).then(
    (opened) => plain.equals(opened),
    (error: unknown) => isHoldfastError(error, "internal"),
  );
  await threads.close();
  expect(await outcome).toBe(true);
  expect(threads.readyThreads).toBe(0);
  expect(plain.equals(await threads.open(sealed("zstd"), keys))).toBe(true);
});
