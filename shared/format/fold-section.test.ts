import { describe, expect, it } from "vitest";
import { encodeCbor } from "./cbor.ts";
import { decodeFoldSection, encodeFoldSection, type FoldSection } from "./fold-section.ts";
import { idFromBytes, idToBytes } from "./ids.ts";
import { encodePackTable } from "./pack.ts";

const pack = (byte: number) => idFromBytes("pack", new Uint8Array(32).fill(byte));
const state = (byte: number) => idFromBytes("state", new Uint8Array(32).fill(byte));
const table = encodePackTable([
  {
    segmentId: new Uint8Array(24),
    sessionId: new Uint8Array(16),
    segmentOffset: 48,
    segmentBytes: 10,
    directoryOffset: 58,
    directoryBytes: 5,
  },
]);
const sizeBytes = 63 + 96 + table.byteLength + 48;

const full: FoldSection = {
  sweptStates: [
    { id: state(1), seq: 3 },
    { id: state(2), seq: 9 },
  ],
  relocated: [
    {
      packId: pack(1),
      seq: 4,
      segments: Uint8Array.of(0b11, 1),
      runs: [
        { packId: pack(2), firstRow: 1, rows: 2 },
        { packId: pack(3), firstRow: 0, rows: 1 },
      ],
    },
  ],
  placed: [{ id: pack(3), seq: 4 }],
  checkpoint: { seq: 8, sha256: new Uint8Array(32).fill(7) },
  graceMs: 5,
};
const empty: FoldSection = { sweptStates: [], relocated: [], placed: [] };

/** Rows of states of version 2, by the bytes of their ids and the entries. */
function rows(ids: readonly number[], seqs: readonly number[]) {
  const sweptStates = Buffer.concat(
    ids.map((byte, index) =>
      Buffer.alloc(40, byte)
        .fill(0, 32)
        .fill(seqs[index] ?? 0, 32, 33),
    ),
  );
  return { sweptStates: new Uint8Array(sweptStates), placed: new Uint8Array(0) };
}

/** The section with its rows as arrays. */
function plain(section: FoldSection): FoldSection {
  return { ...section, sweptStates: [...section.sweptStates], placed: [...section.placed] };
}

/** The section with one field replaced. */
function forged(change: Record<string, unknown>): Uint8Array {
  const fields = { version: 1, sweptStates: [], relocated: [], placed: [], checkpoint: [], graceMs: [], ...change };
  return encodeCbor(fields as Parameters<typeof encodeCbor>[0]);
}

const swept = (byte: number, seq = 1) => ({ state: idToBytes(state(byte)), seq });

describe("the section of a checkpoint that holds the rest of the fold", () => {
  it.each([
    ["full", full],
    ["empty", empty],
  ])("comes back as it was: %s", (_name, section) => {
    expect(plain(decodeFoldSection(encodeFoldSection(section), 9, "a section"))).toEqual(section);
  });

  it("is read in version 1, which held the tables of placed packs", () => {
    const bytes = forged({
      sweptStates: [swept(1, 3), swept(2, 9)],
      placed: [{ id: idToBytes(pack(3)), kind: "meta", sizeBytes, table, seq: 4 }],
    });
    const { sweptStates, placed } = full;
    expect(plain(decodeFoldSection(bytes, 9, "a section"))).toEqual({ ...empty, sweptStates, placed });
  });

  it("refuses to write rows that do not ascend", () => {
    expect(() => encodeFoldSection({ ...full, sweptStates: [...full.sweptStates].toReversed() })).toThrow(
      /do not ascend/,
    );
  });

  it.each<[string, Uint8Array, string]>([
    ["a newer version", forged({ version: 3 }), "incompatible"],
    ["rows of version 2 that do not ascend", forged({ version: 2, ...rows([2, 1], [1, 1]) }), "corrupt"],
    ["a row of version 2 twice", forged({ version: 2, ...rows([1, 1], [1, 2]) }), "corrupt"],
    ["an entry of version 2 that is not folded", forged({ version: 2, ...rows([1], [10]) }), "corrupt"],
    ["half a row", forged({ version: 2, sweptStates: new Uint8Array(0), placed: new Uint8Array(20) }), "corrupt"],
    ["a field too many", forged({ extra: 1 }), "corrupt"],
    ["states that do not ascend", forged({ sweptStates: [swept(2), swept(1)] }), "corrupt"],
    ["a state twice", forged({ sweptStates: [swept(1), swept(1)] }), "corrupt"],
    ["an entry that is not folded", forged({ sweptStates: [swept(1, 10)] }), "corrupt"],
    ["two checkpoints", forged({ checkpoint: [1, 2].map((seq) => ({ seq, sha256: new Uint8Array(32) })) }), "corrupt"],
    ["two grace periods", forged({ graceMs: [{ graceMs: 1 }, { graceMs: 2 }] }), "corrupt"],
    [
      "fewer rows than moved",
      forged({ relocated: [{ pack: idToBytes(pack(1)), seq: 1, segments: Uint8Array.of(1), runs: [] }] }),
      "corrupt",
    ],
    [
      "a placed pack without rows",
      forged({ placed: [{ id: idToBytes(pack(1)), kind: "data", sizeBytes: 96, table: new Uint8Array(0), seq: 1 }] }),
      "corrupt",
    ],
    [
      "a placed pack of another size",
      forged({ placed: [{ id: idToBytes(pack(1)), kind: "data", sizeBytes: 1, table, seq: 1 }] }),
      "corrupt",
    ],
  ])("is refused with %s", (_name, bytes, kind) => {
    expect(() => decodeFoldSection(bytes, 9, "a section")).toThrow(expect.objectContaining({ kind }));
  });
});
