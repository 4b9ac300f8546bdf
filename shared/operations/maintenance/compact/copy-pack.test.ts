import { describe, expect, it } from "vitest";
import { encodeHex } from "#shared/bytes/hex.ts";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { readPackTableRow } from "#shared/format/pack.ts";
import type { PackKind } from "#shared/format/segment.ts";
import { seededRandom } from "#shared/log/log.fixtures.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { packKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import type { PackToCompact } from "./compaction-plan.ts";
import { copyPack } from "./copy-pack.ts";
import { type CopiedSegment, layOutPack } from "./lay-out-pack.ts";
import { tableCheckOf } from "./table-check.ts";

const random = seededRandom("copy-pack");
const storeId = random(16);
const sessions = [random(16), random(16)].map((sessionId) => ({ sessionId, envelope: random(80) }));
const envelopes = new Map(sessions.map((each) => [encodeHex(each.sessionId), each]));

/** Segments of two sessions in turn. */
function segmentsOf(count: number): CopiedSegment[] {
  return Array.from({ length: count }, (_each, index) => ({
    segmentId: random(24),
    sessionId: sessions[index % 2]?.sessionId ?? random(16),
    segment: random(100 + index),
    directory: random(40),
  }));
}

async function putPack(
  store: Store,
  segments: readonly CopiedSegment[],
  change: { readonly kind?: PackKind; readonly storeId?: Uint8Array } = {},
): Promise<PackToCompact> {
  const pack = layOutPack({ kind: "data", storeId, salt: random(16), segments, envelopes, ...change });
  await store.put(packKey(pack.packId), pack.parts, { sha256: pack.sha256 });
  const { packId, kind, sizeBytes, table } = pack;
  const tableCheck = tableCheckOf(table);
  return { packId, kind, sizeBytes, rows: Uint8Array.of(0b1101), rowCount: 3, liveBytes: 0, tableCheck, why: "sparse" };
}

async function kindOfFailure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "none";
  } catch (error) {
    if (isHoldfastError(error)) return error.kind;
    throw error;
  }
}

describe("copyPack and layOutPack", () => {
  it("copy the marked rows of a pack of several sessions, byte by byte, and what they copied can be copied in turn", async () => {
    const store = memoryStore();
    const segments = segmentsOf(5);
    const copied = await copyPack(store, storeId, await putPack(store, segments));
    expect(copied.segments.map(plain)).toEqual([segments[0], segments[2], segments[3]].map((each) => plain(each)));
    expect([...copied.envelopes].map(([name, each]) => [name, encodeHex(each.envelope)])).toEqual(
      sessions.map((each) => [encodeHex(each.sessionId), encodeHex(each.envelope)]),
    );
    const again = await putPack(store, copied.segments);
    const twice = await copyPack(store, storeId, { ...again, rows: Uint8Array.of(0b100) });
    expect(twice.segments.map(plain)).toEqual([plain(segments[3])]);
    expect(readPackTableRow(twice.table, 2).segmentBytes).toBe(103);
    expect([...twice.envelopes.keys()], "in the order of the rows").toEqual(
      sessions.map((each) => encodeHex(each.sessionId)),
    );
  });

  it("make another pack of the same segments each time", async () => {
    const segments = segmentsOf(2);
    const [one, other] = [memoryStore(), memoryStore()];
    expect((await putPack(one, segments)).packId).not.toBe((await putPack(other, segments)).packId);
  });

  it("refuse a pack that is damaged anywhere, cut short or missing", async () => {
    const store = memoryStore();
    const pack = await putPack(store, segmentsOf(4));
    const whole = await store.get(packKey(pack.packId));
    for (let at = 0; at < whole.byteLength; at += 37) {
      const damaged = whole.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      const other = memoryStore();
      await other.put(packKey(pack.packId), [damaged]);
      expect(await kindOfFailure(copyPack(other, storeId, pack)), `byte ${at}`).toBe("corrupt");
    }
    const short = memoryStore();
    await short.put(packKey(pack.packId), [whole.subarray(0, -1)]);
    expect(await kindOfFailure(copyPack(short, storeId, pack))).toBe("corrupt");
    expect(await kindOfFailure(copyPack(memoryStore(), storeId, pack))).toBe("absent");
  });

  it("refuse a pack that is whole, and not what the states say", async () => {
    const store = memoryStore();
    const pack = await putPack(store, segmentsOf(4));
    expect(
      await kindOfFailure(copyPack(store, storeId, { ...pack, tableCheck: tableCheckOf(new Uint8Array(56)) })),
    ).toBe("corrupt");
    expect(await kindOfFailure(copyPack(store, storeId, { ...pack, kind: "meta" }))).toBe("corrupt");
    expect(await kindOfFailure(copyPack(store, storeId, { ...pack, rows: Uint8Array.of(0b10000) }))).toBe("corrupt");
    const foreign = await putPack(store, segmentsOf(4), { storeId: random(16) });
    expect(await kindOfFailure(copyPack(store, storeId, foreign))).toBe("corrupt");
  });
});

function plain(segment: CopiedSegment | undefined): string {
  if (segment === undefined) return "";
  return encodeHex(concatBytes(segment.segmentId, segment.sessionId, segment.segment, segment.directory));
}
