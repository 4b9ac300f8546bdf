import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { createSigner, verifySignature } from "#shared/crypto/signing.ts";
import { HoldfastError } from "#shared/errors.ts";
import {
  checkCheckpointSection,
  checkpointAttemptLayout,
  checkpointCondemnedLayout,
  type CheckpointHead,
  checkpointHeadLength,
  checkpointSection,
  checkpointSectionRange,
  checkpointSnapshotLayout,
  checkpointSweptLayout,
  decodeCheckpointHead,
  encodeCheckpointHead,
} from "./checkpoint.ts";
import { decodeCborMap, encodeCbor } from "./cbor.ts";
import { decodeFrame, encodeFrame } from "./frame.ts";
import { idFromBytes } from "./ids.ts";

const signer = createSigner(new Uint8Array(32).fill(3));
const sign = (message: Uint8Array): Uint8Array => signer.sign(message);
const lastSeq = 2 ** 40;
const id = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const seq = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: lastSeq }));
const time = fc.oneof(fc.nat(), fc.maxSafeNat());
const packId = id(32).map((bytes) => idFromBytes("pack", bytes));

const snapshot = fc
  .record({ state: id(32), commit: id(16), seq, time, head: fc.nat(), rest: fc.nat(), later: fc.option(fc.nat()) })
  .map((each) => ({
    stateId: idFromBytes("state", each.state),
    commitId: idFromBytes("commit", each.commit),
    seq: each.seq,
    timeMs: each.time,
    headBytes: each.head,
    stateBytes: each.head + each.rest,
    ...(each.later === null ? {} : { removed: { seq: Math.min(lastSeq, each.seq + each.later), timeMs: each.time } }),
  }));
const anyHead: fc.Arbitrary<CheckpointHead> = fc.record({
  storeId: id(16).map((bytes) => idFromBytes("store", bytes)),
  seq: fc.constant(lastSeq),
  entrySha256: id(32),
  timeMs: time,
  author: fc.constant(signer.publicKey),
  snapshots: fc.uniqueArray(snapshot, { selector: (each) => each.stateId }),
  attempts: fc.uniqueArray(fc.record({ commitId: id(16).map((bytes) => idFromBytes("commit", bytes)), seq }), {
    selector: (each) => each.commitId,
  }),
  condemned: fc.uniqueArray(fc.record({ packId, seq, timeMs: time }), { selector: (each) => each.packId }),
  swept: fc.uniqueArray(fc.record({ packId, seq }), { selector: (each) => each.packId }),
  sections: fc.uniqueArray(fc.record({ name: fc.stringMatching(/^[a-z-]{1,32}$/), bytes: fc.nat(), sha256: id(32) }), {
    selector: (each) => each.name,
  }),
});

function by<Row>(idOf: (row: Row) => string): (left: Row, right: Row) => number {
  return (left, right) => (idOf(left) < idOf(right) ? -1 : 1);
}

function sortedRows(head: CheckpointHead): CheckpointHead {
  return {
    ...head,
    snapshots: [...head.snapshots].sort(by((each) => each.stateId)),
    attempts: [...head.attempts].sort(by((each) => each.commitId)),
    condemned: [...head.condemned].sort(by((each) => each.packId)),
    swept: [...head.swept].sort(by((each) => each.packId)),
  };
}

function errorOf(action: () => unknown): HoldfastError {
  try {
    action();
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const [packA, packB] = [1, 2].map((each) => idFromBytes("pack", new Uint8Array(32).fill(each)));
if (packA === undefined || packB === undefined) throw new Error("no packs");
const small: CheckpointHead = {
  storeId: idFromBytes("store", new Uint8Array(16)),
  seq: 9,
  entrySha256: new Uint8Array(32).fill(5),
  timeMs: 1_700_000_000_000,
  author: signer.publicKey,
  snapshots: [
    {
      stateId: idFromBytes("state", new Uint8Array(32).fill(1)),
      commitId: idFromBytes("commit", new Uint8Array(16).fill(2)),
      seq: 3,
      timeMs: 1_700_000_000_000,
      headBytes: 10,
      stateBytes: 20,
      removed: { seq: 4, timeMs: 2 ** 41 },
    },
  ],
  attempts: [{ commitId: idFromBytes("commit", new Uint8Array(16).fill(8)), seq: 9 }],
  condemned: [{ packId: packA, seq: 8, timeMs: 7 }],
  swept: [{ packId: packB, seq: 9 }],
  sections: [checkpointSection("heads", [Buffer.from("abc"), Buffer.from("def")]), checkpointSection("index", [])],
};

/** `small` with one field of its CBOR replaced, framed and signed again. */
function forged(change: Record<string, unknown>): Uint8Array {
  const payload = decodeFrame("checkpoint", encodeCheckpointHead(small, sign), "a checkpoint");
  const map = decodeCborMap(payload.subarray(0, -64), "a checkpoint");
  const fields: Record<string, unknown> = {
    storeId: map.bytes("storeId"),
    seq: map.integer("seq"),
    entrySha256: map.bytes("entrySha256"),
    timeMs: map.integer("timeMs"),
    author: map.bytes("author"),
    snapshots: map.bytes("snapshots"),
    attempts: map.bytes("attempts"),
    condemned: map.bytes("condemned"),
    swept: map.bytes("swept"),
    sections: [],
    ...change,
  };
  const body = encodeCbor(fields as Parameters<typeof encodeCbor>[0]);
  return encodeFrame("checkpoint", concatBytes(body, sign(concatBytes(Buffer.from("holdfast/v1/checkpoint\0"), body))));
}

describe("a checkpoint's head", () => {
  it("comes back as it was, and encodes to the same bytes", () => {
    fc.assert(
      fc.property(anyHead.map(sortedRows), (head) => {
        const bytes = encodeCheckpointHead(head, sign);
        expect(checkpointHeadLength(bytes.subarray(0, 20), "a checkpoint")).toBe(bytes.byteLength);
        const decoded = decodeCheckpointHead(bytes, "a checkpoint", verifySignature);
        expect(sortedRows(decoded)).toEqual(head);
        expect(encodeCheckpointHead(decoded, sign)).toEqual(bytes);
      }),
    );
  });

  it("is refused with any byte changed, or cut anywhere", () => {
    const bytes = encodeCheckpointHead(small, sign);
    for (let index = 0; index < bytes.byteLength; index++) {
      const changed = bytes.slice();
      changed[index] = (changed[index] ?? 0) ^ 0x10;
      expect(["corrupt", "incompatible"]).toContain(
        errorOf(() => decodeCheckpointHead(changed, "a checkpoint", verifySignature)).kind,
      );
      expect(errorOf(() => decodeCheckpointHead(bytes.subarray(0, index), "a checkpoint", verifySignature)).kind).toBe(
        "corrupt",
      );
    }
  });

  it("is refused when another than its author signed it", () => {
    const other = createSigner(new Uint8Array(32).fill(4));
    const bytes = encodeCheckpointHead(small, (message) => other.sign(message));
    expect(errorOf(() => decodeCheckpointHead(bytes, "a checkpoint", verifySignature)).message).toMatch(/signature/);
  });

  it("is refused as incompatible in a newer version", () => {
    const bytes = encodeCheckpointHead(small, sign);
    bytes[12] = 2;
    expect(errorOf(() => checkpointHeadLength(bytes, "a checkpoint")).kind).toBe("incompatible");
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ["a field too many", { extra: 1 }, /"extra"/],
    ["a row cut short", { swept: new Uint8Array(39) }, /ends early/],
    ["rows out of order", { swept: rows(2, 1) }, /do not ascend/],
    ["two rows for one pack", { swept: rows(1, 1) }, /do not ascend/],
    ["an entry after its own", { swept: rows(1).fill(10, 32, 33) }, /entry that it does not fold/],
    ["entry zero", { swept: rows(1).fill(0, 32, 33) }, /entry that it does not fold/],
    ["two sections of one name", { sections: [section("heads"), section("heads")] }, /two sections/],
    ["a section with a wrong name", { sections: [section("../heads")] }, /not a section's name/],
  ])("is refused with %s, even when it is signed", (_name, change, message) => {
    const error = errorOf(() => decodeCheckpointHead(forged(change), "a checkpoint", verifySignature));
    expect(error.kind).toBe("corrupt");
    expect(error.message).toMatch(message);
  });

  it("cannot be written with two rows for one id", () => {
    const swept = [
      { packId: packA, seq: 1 },
      { packId: packA, seq: 2 },
    ];
    expect(errorOf(() => encodeCheckpointHead({ ...small, swept }, sign)).kind).toBe("internal");
    const more = { length: 2, [Symbol.iterator]: () => swept.slice(1)[Symbol.iterator]() };
    expect(errorOf(() => encodeCheckpointHead({ ...small, swept: more }, sign)).message).toMatch(/not as many/);
  });

  it("has rows as long as the byte tables say", () => {
    const payload = decodeFrame("checkpoint", encodeCheckpointHead(small, sign), "a checkpoint");
    const map = decodeCborMap(payload.subarray(0, -64), "a checkpoint");
    expect(map.bytes("snapshots")).toHaveLength(sum(checkpointSnapshotLayout));
    expect(map.bytes("attempts")).toHaveLength(sum(checkpointAttemptLayout));
    expect(map.bytes("condemned")).toHaveLength(sum(checkpointCondemnedLayout));
    expect(map.bytes("swept")).toHaveLength(sum(checkpointSweptLayout));
  });
});

describe("a checkpoint's sections", () => {
  it("lie behind the head in order, and are verified alone", () => {
    const [heads] = small.sections;
    if (heads === undefined) throw new Error("no section");
    expect(checkpointSectionRange(small, 100, "heads")).toEqual({ offsetBytes: 100, lengthBytes: 6 });
    expect(checkpointSectionRange(small, 100, "index")).toEqual({ offsetBytes: 106, lengthBytes: 0 });
    expect(checkpointSectionRange(small, 100, "nothing")).toBeUndefined();
    checkCheckpointSection(heads, Buffer.from("abcdef"), "a checkpoint");
    for (const wrong of ["abcdeg", "abcde", "abcdefg"])
      expect(errorOf(() => checkCheckpointSection(heads, Buffer.from(wrong), "a checkpoint")).kind).toBe("corrupt");
  });
});

function rows(...packs: readonly number[]): Uint8Array {
  return concatBytes(
    ...packs.map((each) => concatBytes(new Uint8Array(32).fill(each), Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0))),
  );
}

function section(name: string): Record<string, unknown> {
  return { name, bytes: 0, sha256: sha256() };
}

function sum(layout: readonly (readonly [string, number, string])[]): number {
  return layout.reduce((total, [, bytes]) => total + bytes, 0);
}
