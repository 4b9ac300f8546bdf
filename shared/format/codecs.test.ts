import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { createSigner, verifySignature } from "#shared/crypto/signing.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { decodeChunkList, encodeChunkList } from "./chunk-list.ts";
import { decodeCborMap, encodeCbor } from "./cbor.ts";
import { checkpointHeadLength, decodeCheckpointHead } from "./checkpoint.ts";
import { decodeConfig, encodeConfig, type StoreConfig } from "./config.ts";
import { decodeDirectoryContent, encodeDirectoryContent } from "./directory.ts";
import { compareEntryKeys } from "./entry.ts";
import { decodeErrorList, encodeErrorList } from "./error-list.ts";
import { decodeFrame, encodeFrame, frameKinds, type FramedStructure } from "./frame.ts";
import { decodeIndexContent, encodeIndexContent, joinIndexRows, splitIndexRows } from "./index-section.ts";
import { idFromBytes } from "./ids.ts";
import { decodeKeySlot, encodeKeySlot, type KeySlot } from "./key-slot.ts";
import { LeafWriter } from "./leaf-writer.ts";
import { decodeLogEntry, encodeLogEntry, type LogEvent } from "./log-entry.ts";
import {
  checkPackTable,
  decodePackHeader,
  decodePackSessions,
  decodePackTrailer,
  encodePackHeader,
  encodePackSessions,
  encodePackTable,
  encodePackTrailer,
  readPackTableRow,
  verifyPackTrailer,
} from "./pack.ts";
import { padmeLength } from "./padme.ts";
import {
  anyBytes,
  anyInteger,
  blobIds,
  bytesOf,
  commitIds,
  names,
  packIds,
  seeded,
  sortedEntries,
  stateIds,
  storeIds,
  trial,
} from "./properties.testing.ts";
import { encodeSegmentContent } from "./encode-segment-content.testing.ts";
import { decodeSegmentContent } from "./segment.ts";
import { decodeSnapshotHeader, encodeSnapshotHeader } from "./snapshot.ts";
import { decodeStateHead, encodeStateHead, stateHeadLength } from "./state.ts";
import { decodeTreeNode, encodeInnerNode } from "./tree-node.ts";

const signer = createSigner(new Uint8Array(32).fill(3));
const sign = (message: Uint8Array): Uint8Array => signer.sign(message);

function holds<Value>(values: fc.Arbitrary<Value>, check: (value: Value) => void): void {
  fc.assert(
    fc.property(values, (value) => {
      check(value);
    }),
    trial,
  );
}

describe("what is encoded decodes to the same", () => {
  test(seeded("frame"), () => {
    const structures = fc.constantFrom(...(Object.keys(frameKinds) as FramedStructure[]));
    holds(fc.tuple(structures, anyBytes(200)), ([structure, payload]) => {
      expect(Buffer.from(decodeFrame(structure, encodeFrame(structure, payload), "x"))).toEqual(Buffer.from(payload));
    });
  });

  test(seeded("config"), () => {
    const configs = fc.record({
      storeId: storeIds,
      createdMs: anyInteger,
      secrecy: fc.constantFrom("sealed", "public"),
      chunker: fc.tuple(fc.integer({ min: 6, max: 22 }), fc.integer({ min: 0, max: 1000 })).map(([bits, more]) => ({
        id: "fastcdc-gear64-v1" as const,
        minBytes: 64,
        avgBytes: 2 ** bits,
        maxBytes: 2 ** bits + more,
      })),
      segmentBytes: fc.integer({ min: 4096, max: 32 * 1024 * 1024 }),
      packBytes: fc.integer({ min: 65_536, max: 512 * 1024 * 1024 }),
      compression: fc.record({ id: fc.constant("zstd"), level: fc.integer({ min: 1, max: 22 }) }),
      publicKey: bytesOf(32),
      graceMs: anyInteger,
    }) as fc.Arbitrary<StoreConfig>;
    holds(configs, (config) => expect(decodeConfig(encodeConfig(config))).toEqual(config));
  });

  test(seeded("key slot"), () => {
    const argon2id = fc.record({
      kind: fc.constant("argon2id"),
      salt: bytesOf(16),
      memoryKiB: fc.integer({ min: 8, max: 4 * 1024 * 1024 }),
      passes: fc.integer({ min: 1, max: 64 }),
      parallelism: fc.integer({ min: 1, max: 64 }),
    });
    const slots = fc.record({
      slotId: bytesOf(16).map((bytes) => idFromBytes("key slot", bytes)),
      storeId: storeIds,
      role: fc.constantFrom("owner", "writer"),
      label: fc.string({ unit: "binary", maxLength: 40 }).filter((text) => text.isWellFormed()),
      createdMs: anyInteger,
      derivation: fc.oneof(argon2id, fc.record({ kind: fc.constant("hkdf-sha256"), salt: bytesOf(16) })),
      nonce: bytesOf(24),
      sealedBundle: anyBytes(100),
    }) as fc.Arbitrary<KeySlot>;
    holds(slots, (slot) => expect(decodeKeySlot(encodeKeySlot(slot), "x")).toEqual(slot));
  });

  test(seeded("log entry"), () => {
    const lists = fc.array(packIds, { maxLength: 3 });
    const snapshots = fc.array(stateIds, { maxLength: 3 });
    const lengths = fc.integer({ min: 1, max: 1_000_000 });
    const events: fc.Arbitrary<LogEvent> = fc.oneof(
      fc.record({
        type: fc.constant("commit" as const),
        stateId: stateIds,
        commitId: commitIds,
        headBytes: lengths,
        stateBytes: lengths,
        revive: lists,
      }),
      fc.record({ type: fc.constant("remove" as const), snapshots }),
      fc.record({ type: fc.constant("undelete" as const), snapshots, revive: lists }),
    );
    const entries = fc.record({
      storeId: storeIds,
      seq: anyInteger.map((seq) => Math.max(1, seq)),
      prev: bytesOf(32),
      timeMs: anyInteger,
      commitId: commitIds,
      author: fc.constant(signer.publicKey),
      events: fc.array(events, { maxLength: 4 }),
    });
    holds(entries, (entry) => expect(decodeLogEntry(encodeLogEntry(entry, sign), "x", verifySignature)).toEqual(entry));
  });

  test(seeded("pack header, sessions, table and trailer"), () => {
    const row = fc.record({
      segmentId: bytesOf(24),
      session: fc.integer({ min: 0, max: 2 }),
      segmentBytes: fc.nat(5000),
      directoryBytes: fc.nat(500),
    });
    const packs = fc.tuple(
      fc.constantFrom("data" as const, "meta" as const),
      bytesOf(16),
      bytesOf(16),
      fc.array(row, { maxLength: 6 }),
    );
    holds(packs, ([kind, storeId, salt, parts]) => {
      const header = encodePackHeader({ kind, storeId, salt });
      expect(decodePackHeader(header, "x")).toEqual({ kind, storeId, salt });
      const sessionIds = [0, 1, 2].map((each) => new Uint8Array(16).fill(each));
      let segmentOffset = 48;
      let directoryOffset = 48 + parts.reduce((sum, each) => sum + each.segmentBytes, 0);
      const directoriesOffset = directoryOffset;
      const rows = parts.map(({ segmentId, session, segmentBytes, directoryBytes }) => {
        const made = {
          segmentId,
          sessionId: sessionIds[session]!,
          segmentOffset,
          segmentBytes,
          directoryOffset,
          directoryBytes,
        };
        segmentOffset += segmentBytes;
        directoryOffset += directoryBytes;
        return made;
      });
      const table = encodePackTable(rows);
      expect(rows.map((_each, index) => readPackTableRow(table, index))).toEqual(rows);
      const named = [...new Set(rows.map((each) => each.sessionId))].map((sessionId) => ({
        sessionId,
        envelope: new Uint8Array(80).fill(9),
      }));
      const sessions = encodePackSessions(named);
      expect(decodePackSessions(sessions, table, "x")).toEqual(named);
      const tableOffset = directoryOffset + sessions.byteLength;
      const sizeBytes = tableOffset + table.byteLength + 48;
      const trailer = encodePackTrailer({ header, sessions, table, directoriesOffset, tableOffset });
      expect(decodePackTrailer(trailer, sizeBytes, "x")).toMatchObject({
        directoriesOffset,
        tableOffset,
        segmentCount: rows.length,
      });
      verifyPackTrailer({ header, sessions, table, trailer }, "x");
      checkPackTable(table, sizeBytes, "x");
      expect(() => checkPackTable(table, sizeBytes + 1, "x")).toThrow("add up");
    });
  });

  test(seeded("state head"), () => {
    const heads = fc.record({
      storeId: storeIds,
      commitId: commitIds,
      author: fc.constant(signer.publicKey),
      createdMs: anyInteger,
      baseSeq: anyInteger,
      group: bytesOf(16),
      packs: fc.array(
        fc.record({
          packId: packIds,
          kind: fc.constantFrom("data" as const, "meta" as const),
          sizeBytes: fc.constant(96),
          table: fc.constant(new Uint8Array(0)),
        }),
        { maxLength: 3 },
      ),
      references: fc.array(fc.record({ packId: packIds, segments: anyBytes(5) }), { maxLength: 3 }),
      sessions: fc.array(fc.record({ sessionId: bytesOf(16), envelope: bytesOf(80) }), { maxLength: 3 }),
      snapshotSession: bytesOf(16),
      sealedSnapshot: anyBytes(60),
      indexBytes: anyInteger,
      indexSha256: bytesOf(32),
    });
    holds(heads, (head) => {
      const bytes = encodeStateHead(head, sign);
      expect(stateHeadLength(bytes, "x")).toBe(bytes.byteLength);
      expect(decodeStateHead(bytes, "x", verifySignature)).toEqual(head);
    });
  });

  test(seeded("snapshot header"), () => {
    const texts = fc.string({ unit: "binary", maxLength: 20 }).filter((text) => text.isWellFormed());
    const maps = fc
      .array(fc.tuple(fc.oneof(texts, fc.constant("__proto__"), fc.constant("10")), texts), { maxLength: 4 })
      .map((rows) => new Map(rows));
    const source = fc.record({
      type: texts,
      origin: texts,
      root: fc.array(names, { maxLength: 3 }).map((parts) => `/${parts.join("/")}`),
      options: maps,
      tree: fc.record({
        nodeId: blobIds,
        level: fc.integer({ min: 0, max: 32 }),
        entries: anyInteger,
        totalBytes: anyInteger,
      }),
      userNames: maps,
      groupNames: maps,
    });
    const headers = fc.record({
      timeMs: anyInteger,
      durationMs: anyInteger,
      host: texts,
      user: texts,
      name: texts,
      tags: fc.array(texts, { maxLength: 3 }),
      program: texts,
      sources: fc.array(source, { maxLength: 2 }),
      parent: fc.option(stateIds, { nil: undefined }),
      errorCount: anyInteger,
      errorList: fc.option(blobIds, { nil: undefined }),
      lost: fc.array(texts, { maxLength: 3 }),
    });
    holds(headers, (header) => expect(decodeSnapshotHeader(encodeSnapshotHeader(header), "x")).toEqual(header));
  });

  test(seeded("leaf of a tree"), () => {
    holds(sortedEntries, (entries) => {
      const writer = new LeafWriter();
      for (const entry of entries) writer.add(entry);
      expect(decodeTreeNode(writer.finish(), "x")).toEqual({ level: 0, entries });
      expect(writer.count).toBe(0);
    });
  });

  test(seeded("inner node of a tree"), () => {
    const children = sortedEntries.chain((entries) =>
      fc.tuple(
        fc.constant(entries),
        fc.array(fc.tuple(bytesOf(32), anyInteger, anyInteger), {
          minLength: entries.length,
          maxLength: entries.length,
        }),
      ),
    );
    holds(fc.tuple(fc.integer({ min: 1, max: 32 }), children), ([level, [entries, rows]]) => {
      const made = rows.map(([nodeId, count, totalBytes], index) => ({
        nodeId,
        lastDir: entries[index]!.dir,
        lastName: entries[index]!.name,
        entries: count,
        totalBytes,
      }));
      expect(decodeTreeNode(encodeInnerNode(level, made), "x")).toEqual({ level, children: made });
    });
  });

  test(seeded("chunk list, directory, error list"), () => {
    const rows = fc
      .array(fc.tuple(bytesOf(32), fc.integer({ min: 0, max: 65_535 })), { maxLength: 30 })
      .map((all) => concatBytes(...all.flatMap(([id, length]) => [id, new Uint8Array(Uint32Array.of(length).buffer)])));
    holds(rows, (bytes) => {
      expect(Buffer.from(decodeChunkList(encodeChunkList(bytes), "x"))).toEqual(Buffer.from(bytes));
      expect(Buffer.from(decodeDirectoryContent(encodeDirectoryContent(bytes), "x"))).toEqual(Buffer.from(bytes));
    });
    const errors = fc.array(fc.record({ path: names, kind: fc.string(), message: fc.string() }), { maxLength: 5 });
    holds(errors, (list) => expect(decodeErrorList(encodeErrorList(list), "x")).toEqual(list));
  });

  test(seeded("segment"), () => {
    holds(anyBytes(3000), (plain) => {
      const content = encodeSegmentContent(0, plain.byteLength, plain);
      expect(content.byteLength).toBe(padmeLength(12 + plain.byteLength));
      const decoded = decodeSegmentContent(content, "x");
      expect(Buffer.from(decoded.stored)).toEqual(Buffer.from(plain));
    });
  });

  test(seeded("index rows"), () => {
    const rows = fc
      .uniqueArray(bytesOf(20), { maxLength: 20, selector: (id) => Buffer.from(id).toString("hex") })
      .map((ids) =>
        concatBytes(
          ...ids
            .toSorted((left, right) => Buffer.compare(left, right))
            .flatMap((id, index) => [id, new Uint8Array(Uint32Array.of(index % 3, index * 7, 7).buffer)]),
        ),
      );
    holds(rows, (bytes) => {
      const { prefixes, columns } = splitIndexRows(bytes);
      const content = encodeIndexContent({ codec: 0, prefixes, encodedColumns: columns });
      const decoded = decodeIndexContent(content, "x");
      const joined = new Uint8Array(decoded.count * 32);
      joinIndexRows(joined, {
        prefixes: decoded.prefixes,
        columns: decoded.encodedColumns,
        segmentCount: 3,
        subject: "x",
      });
      expect(Buffer.from(joined)).toEqual(Buffer.from(bytes));
    });
  });
});

const verify = (): boolean => true;

/** Decodes, and lets only the errors pass that bytes can cause. */
function answers(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  try {
    decode(bytes);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    expect(["corrupt", "incompatible"]).toContain(error.kind);
  }
}

describe("whatever bytes come, a decoder answers or throws a HoldfastError", () => {
  const decoders: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
    config: (bytes) => decodeConfig(bytes),
    "key slot": (bytes) => decodeKeySlot(bytes, "x"),
    "log entry": (bytes) => decodeLogEntry(bytes, "x", verify),
    "state head": (bytes) => decodeStateHead(bytes, "x", verify),
    "checkpoint head": (bytes) =>
      decodeCheckpointHead(bytes.subarray(0, checkpointHeadLength(bytes, "x")), "x", verify),
    "snapshot header": (bytes) => decodeSnapshotHeader(bytes, "x"),
    "error list": (bytes) => decodeErrorList(bytes, "x"),
    "tree node": (bytes) => decodeTreeNode(bytes, "x"),
    "chunk list": (bytes) => decodeChunkList(bytes, "x"),
    directory: (bytes) => decodeDirectoryContent(bytes, "x"),
    segment: (bytes) => decodeSegmentContent(bytes, "x"),
    "index section": (bytes) => decodeIndexContent(bytes, "x"),
    "pack header": (bytes) => decodePackHeader(bytes, "x"),
    "pack trailer": (bytes) => decodePackTrailer(bytes, 1000, "x"),
    "pack table": (bytes) => checkPackTable(bytes, 1000, "x"),
    "pack sessions": (bytes) => decodePackSessions(bytes, bytes, "x"),
  };
  const framed: Readonly<Record<string, FramedStructure>> = {
    config: "config",
    "key slot": "keySlot",
    "log entry": "logEntry",
    "state head": "state",
    "checkpoint head": "checkpoint",
  };

  test.each(Object.entries(decoders))(seeded("%s"), (name, decode) => {
    holds(anyBytes(300), (bytes) => answers(decode, bytes));
    const version = fc
      .tuple(fc.constantFrom(0, 1), fc.constantFrom(0, 1, 2), anyBytes(200))
      .map(([level, count, rest]) => concatBytes(Uint8Array.of(1, level, count), rest));
    holds(version, (bytes) => answers(decode, bytes));
    const structure = framed[name];
    if (structure !== undefined) holds(anyBytes(300), (payload) => answers(decode, encodeFrame(structure, payload)));
  });

  test(seeded("any CBOR value as the fields of any map"), () => {
    const fields = [
      "storeId",
      "seq",
      "prev",
      "timeMs",
      "commitId",
      "author",
      "events",
      "version",
      "errors",
      "packs",
      "chunker",
      "secrecy",
    ];
    const values = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constant(null),
        fc.boolean(),
        anyInteger,
        fc.string(),
        anyBytes(32),
        fc.array(tie("value"), { maxLength: 3 }),
        tie("map"),
      ),
      map: fc.dictionary(fc.oneof(fc.string(), fc.constantFrom(...fields, "__proto__", "constructor")), tie("value"), {
        maxKeys: 4,
      }),
    }));
    holds(fc.dictionary(fc.constantFrom(...fields, "__proto__"), values.value), (map) => {
      const bytes = encodeCbor(map as Parameters<typeof encodeCbor>[0]);
      for (const [name, structure] of Object.entries(framed)) {
        answers(decoders[name]!, encodeFrame(structure, bytes));
        answers(decoders[name]!, encodeFrame(structure, concatBytes(bytes, new Uint8Array(64))));
      }
      answers(decoders["snapshot header"]!, bytes);
      answers(decoders["error list"]!, bytes);
    });
  });

  test("CBOR nested a hundred thousand deep is refused and exhausts nothing", () => {
    const deep = new Uint8Array(100_000).fill(0x81);
    expect(() => decodeCborMap(deep, "x")).toThrow("not canonical CBOR");
  });
});

test(seeded("keys of entries are in one order with what FORMAT.md says"), () => {
  holds(sortedEntries, (entries) => {
    for (const [index, entry] of entries.entries()) {
      expect(compareEntryKeys(entry.dir, entry.name, entry.dir, entry.name)).toBe(0);
      for (const later of entries.slice(index + 1)) {
        expect(compareEntryKeys(entry.dir, entry.name, later.dir, later.name)).toBeLessThan(0);
        expect(compareEntryKeys(later.dir, later.name, entry.dir, entry.name)).toBeGreaterThan(0);
      }
    }
  });
});

test("Padmé lengths are never shorter, at most 12 % longer, and their own Padmé length", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (length) => {
      const padded = padmeLength(length);
      expect(padded).toBeGreaterThanOrEqual(length);
      expect(padded).toBeLessThanOrEqual(Math.max(length, Math.floor(length * 1.12)));
      expect(padmeLength(padded)).toBe(padded);
    }),
    trial,
  );
});
