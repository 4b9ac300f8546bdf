import { expect, it } from "vitest";
import { sha256 } from "#shared/crypto/sha256.ts";
import { HoldfastError } from "#shared/errors.ts";
import { idFromBytes } from "#shared/format/ids.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { packKey } from "#shared/store/object-key.ts";
import { PackFetcher } from "./pack-fetcher.ts";
import type { SegmentPlace, SegmentTable } from "./segment-table.ts";

const packId = idFromBytes("pack", sha256(Buffer.from("a pack")));
const absent = new HoldfastError("absent", "it is not there");

/** Segments of which number n is moved to n + 1 by each refresh, up to a last one. */
function movingSegments(last: number) {
  let refreshes = 0;
  const segments = {
    current: (ordinal: number) => Math.min(last, Math.max(ordinal, refreshes)),
    standing: () => "live",
    packOf: () => ({ packId }),
  } as unknown as SegmentTable;
  const refresh = (): Promise<void> => {
    refreshes++;
    return Promise.resolve();
  };
  return { segments, refresh };
}

/** Follows a segment that is missing wherever it is looked for. @returns how often it was looked for, and what ended it */
async function chase(fetcher: PackFetcher, segments: SegmentTable): Promise<{ tries: number; error: unknown }> {
  for (let tries = 1, ordinal = 0; ; tries++) {
    try {
      await fetcher.tryElsewhere(ordinal, absent);
    } catch (error) {
      return { tries, error };
    }
    ordinal = segments.current(ordinal);
  }
}

it("gives up a segment that is moved again whenever it is fetched", async () => {
  const { segments, refresh } = movingSegments(Number.MAX_SAFE_INTEGER);
  const { tries, error } = await chase(new PackFetcher({ store: memoryStore(), segments, refresh }), segments);
  expect(tries).toBeLessThan(100);
  expect(error).toMatchObject({ kind: "unavailable" });
});

it("says that a pack is missing when the segment is moved no more", async () => {
  const { segments, refresh } = movingSegments(5);
  const { error } = await chase(new PackFetcher({ store: memoryStore(), segments, refresh }), segments);
  expect(error).toMatchObject({ kind: "corrupt" });
});

it("begins to count again once the segment was fetched", async () => {
  const { segments, refresh } = movingSegments(Number.MAX_SAFE_INTEGER);
  const store = memoryStore();
  await store.put(packKey(packId), [new Uint8Array(10)]);
  const fetcher = new PackFetcher({ store, segments, refresh });
  for (let ordinal = 0, round = 0; round < 200; round++) {
    await fetcher.tryElsewhere(ordinal, absent);
    ordinal = segments.current(ordinal);
    if (round % 20 === 19) await fetcher.fetch({ pack: { packId }, ordinal, offsetBytes: 0 } as SegmentPlace, 10);
  }
});
