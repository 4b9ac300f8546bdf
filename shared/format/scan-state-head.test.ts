import { expect, test } from "vitest";
import { encodeHex } from "#shared/bytes/hex.ts";
import { createSigner, verifySignature } from "#shared/crypto/signing.ts";
import { idFromBytes, parseId } from "./ids.ts";
import { encodePackTable, packSessionRowBytes, packTableRowBytes, packTrailerBytes } from "./pack.ts";
import { scanStateHead, type StateHeadVisitor } from "./scan-state-head.ts";
import { decodeStateHead, encodeStateHead, type StateHead } from "./state.ts";

const signer = createSigner(new Uint8Array(32).fill(5));
const storeId = parseId("store", "00112233445566778899aabbccddeeff");

function packIdOf(number: number) {
  const bytes = new Uint8Array(32).fill(number & 255);
  bytes[0] = number >>> 8;
  return idFromBytes("pack", bytes);
}

function packOf(segments: number) {
  const rows = Array.from({ length: segments }, (_, row) => ({
    segmentId: new Uint8Array(24).fill(row),
    sessionId: new Uint8Array(16).fill(1),
    segmentOffset: 48 + row * 10,
    segmentBytes: 10,
    directoryOffset: 48 + segments * 10 + row * 5,
    directoryBytes: 5,
  }));
  const sizeBytes = 48 + segments * 15 + packSessionRowBytes + segments * packTableRowBytes + packTrailerBytes;
  return { sizeBytes, table: encodePackTable(rows) };
}

function headOf(packs: number, references: number): StateHead {
  return {
    storeId,
    commitId: parseId("commit", "ff".repeat(16)),
    author: signer.publicKey,
    createdMs: 1_700_000_000_000,
    baseSeq: 70_000,
    group: new Uint8Array(16),
    packs: Array.from({ length: packs }, (_, number) => ({
      packId: packIdOf(number),
      kind: number % 2 === 0 ? ("data" as const) : ("meta" as const),
      ...packOf((number % 5) + 1),
    })),
    references: Array.from({ length: references }, (_, number) => ({
      packId: packIdOf(number * 3),
      segments: new Uint8Array((number % 40) + 1).fill(number | 1),
    })),
    sessions: [{ sessionId: new Uint8Array(16), envelope: new Uint8Array(80) }],
    snapshotSession: new Uint8Array(16),
    sealedSnapshot: new Uint8Array(300),
    indexBytes: 12,
    indexSha256: new Uint8Array(32),
  };
}

function scanned(bytes: Uint8Array, of = storeId) {
  const packs: string[] = [];
  const references: string[] = [];
  const visitor: StateHeadVisitor = {
    pack: (all, idAt, sizeBytes, rows) =>
      void packs.push(`${encodeHex(all.subarray(idAt, idAt + 32))} ${sizeBytes} ${rows}`),
    reference: (all, idAt, at, lengthBytes) =>
      void references.push(
        `${encodeHex(all.subarray(idAt, idAt + 32))} ${encodeHex(all.subarray(at, at + lengthBytes))}`,
      ),
  };
  scanStateHead(bytes, { subject: "x", storeId: of, verify: verifySignature }, visitor);
  return { packs, references };
}

test.each([
  [0, 0],
  [1, 1],
  [23, 24],
  [300, 70],
  [5, 700],
])("a scan of a head with %i packs and %i references visits what decoding gives", (packs, references) => {
  const bytes = encodeStateHead(headOf(packs, references), (message) => signer.sign(message));
  const decoded = decodeStateHead(bytes, "x", verifySignature);
  expect(scanned(bytes)).toEqual({
    packs: decoded.packs.map((each) => `${each.packId} ${each.sizeBytes} ${each.table.byteLength / 56}`),
    references: decoded.references.map((each) => `${each.packId} ${encodeHex(each.segments)}`),
  });
});

test("a head of another store, one whose signature does not hold and one that is cut are refused", () => {
  const head = headOf(3, 3);
  const bytes = encodeStateHead(head, (message) => signer.sign(message));
  expect(() => scanned(bytes, parseId("store", "aa".repeat(16)))).toThrow(/another store/);
  expect(() => scanned(encodeStateHead(head, () => new Uint8Array(64)))).toThrow(/signature does not hold/);
  expect(() => scanned(bytes.subarray(0, bytes.byteLength - 1))).toThrow(/Cannot read x/);
});
