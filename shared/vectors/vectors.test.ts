import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { decodeHex } from "#shared/bytes/hex.ts";
import { cutPointPortable } from "#shared/chunking/cut-point-portable.ts";
import { gearTable } from "#shared/chunking/gear-table.ts";
import { createMac } from "#shared/crypto/mac.ts";
import { derivePassphraseKey } from "#shared/crypto/passphrase.ts";
import { openPortable } from "#shared/crypto/seal-portable.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { decodeLogEntry } from "#shared/format/log-entry.ts";
import { formatLimits } from "#shared/format/limits.ts";
import { decodeSegmentContent, segmentAad } from "#shared/format/segment.ts";
import { generateVectors } from "./generate.testing.ts";
import { byteReaders, Context, readVector } from "./reader.testing.ts";
import { seededBytes, type Vector, vectorText } from "./vector.testing.ts";
import { readWholeStore, secretsOf, storeOf } from "./whole-store.testing.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));
const files = globSync("*/*.json", { cwd: folder }).sort();
const texts = new Map(files.map((file) => [file, readFileSync(folder + file, "utf8")]));
const committed = [...texts.values()].map((text): Vector => JSON.parse(text));
const good = committed.filter((each) => each.expect === "success");
const bad = committed.filter((each) => each.expect !== "success");
const title = (vector: Vector): [string, Vector] => [`${vector.structure}/${vector.name}`, vector];

/** Which zstd made the committed files. */
const zstdOfFiles = "1.5.7";

test("every structure has vectors that decode and vectors that do not", () => {
  const structures = new Set(committed.map((each) => each.structure));
  for (const structure of Object.keys(byteReaders)) expect(structures).toContain(structure);
  const functions = ["store", "keys", "padme", "tree-order", "tree-borders", "blob-id"];
  for (const structure of structures) {
    expect(good.filter((each) => each.structure === structure).length, structure).toBeGreaterThan(0);
    if (functions.includes(structure)) continue;
    expect(bad.filter((each) => each.structure === structure).length, structure).toBeGreaterThan(0);
  }
});

test("a file is named after what is in it", () => {
  expect(committed.map((each) => `${each.structure}/${each.name}.json`)).toEqual(files);
});

describe("committed vectors decode to the value beside them", () => {
  test.each(good.filter((each) => each.structure !== "store").map(title))("%s", async (_, vector) => {
    expect(await readVector(vector)).toEqual(vector.value);
  });
});

describe("committed vectors are refused with the kind of error beside them", () => {
  test.each(bad.map(title))("%s", async (_, vector) => {
    await expect(readVector(vector)).rejects.toMatchObject({ name: "HoldfastError", kind: vector.expect });
  });
});

describe("committed stores open and give every file back", () => {
  test.each(good.filter((each) => each.structure === "store").map(title))("%s", async (_, vector) => {
    const isPublic = vector.context["passphrase"] === undefined;
    const secrets = isPublic ? [undefined] : secretsOf(vector);
    expect(secrets).toHaveLength(isPublic ? 1 : 2);
    for (const secret of secrets) expect(await readWholeStore(await storeOf(vector), secret)).toEqual(vector.value);
  });

  test("a wrong passphrase is denied", async () => {
    const vector = good.find((each) => each.structure === "store" && each.name === "sealed")!;
    const wrong = { kind: "passphrase", passphrase: "wrong" } as const;
    await expect(readWholeStore(await storeOf(vector), wrong)).rejects.toMatchObject({ kind: "denied" });
  });
});

describe("the generator", async () => {
  const made = await generateVectors();

  test("knows every committed vector, and each of its vectors is committed", () => {
    expect(made.map((each) => `${each.structure}/${each.name}.json`).sort()).toEqual(files);
  });

  const sameZstd = process.versions["zstd"] === zstdOfFiles;

  test.skipIf(sameZstd)(
    `those made with zstd ${zstdOfFiles} are not compared: here is another version`,
    () => undefined,
  );

  test.each(made.filter((each) => sameZstd || each.zstd !== true).map(title))("makes %s byte for byte", (_, vector) => {
    expect(vectorText(vector)).toBe(texts.get(`${vector.structure}/${vector.name}.json`));
  });
});

/** Structures of which every byte is authenticated or covered by a checksum: no changed byte may decode. */
const authenticated = [
  "config",
  "key-slot",
  "segment",
  "directory",
  "index-section",
  "pack",
  "sealed-snapshot",
  "state",
  "log-entry",
  "checkpoint",
  "checkpoint-part",
  "session-envelope",
];
/** Structures that are only ever read after what seals or names them was verified. */
const inner = ["bundle", "tree-node", "chunk-list", "error-list", "snapshot-header", "checkpoint-headers", "checkpoint-parts"];

describe("with any one byte changed", () => {
  const readable = (structures: readonly string[]) =>
    good.filter((each) => structures.includes(each.structure) && String(each.input).length > 0).map(title);

  test.each(readable(authenticated))("%s does not decode, and says so", async (_, vector) => {
    const bytes = decodeHex(String(vector.input));
    const context = new Context(vector.context);
    // A slot costs an Argon2id each time, and a pack many openings: every n-th byte of those, and both ends.
    const step = vector.structure === "pack" ? 7 : 1;
    for (let at = 0; at < bytes.byteLength; at += at < 64 || at > bytes.byteLength - 64 ? 1 : step) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const changed = bytes.slice();
        changed[at] = (changed[at] ?? 0) ^ flip;
        const error = await failureOf(() => byteReaders[vector.structure]!(changed, context));
        expect(isHoldfastError(error), `byte ${at} ^ ${flip}: ${String(error)}`).toBe(true);
      }
    }
  });

  test.each(readable(inner))("%s decodes or fails as a HoldfastError", async (_, vector) => {
    const bytes = decodeHex(String(vector.input));
    const context = new Context(vector.context);
    for (let at = 0; at < bytes.byteLength; at++) {
      for (let value = 0; value < 256; value += bytes.byteLength > 300 ? 5 : 1) {
        const changed = bytes.slice();
        changed[at] = value;
        const error = await failureOf(() => byteReaders[vector.structure]!(changed, context));
        expect(error === undefined || isHoldfastError(error), `byte ${at} = ${value}: ${String(error)}`).toBe(true);
      }
    }
  });

  test.each(readable([...authenticated, ...inner]))("%s cut short anywhere does not decode", async (_, vector) => {
    const bytes = decodeHex(String(vector.input));
    const context = new Context(vector.context);
    const step = Math.max(1, Math.floor(bytes.byteLength / 400));
    for (let length = 0; length < bytes.byteLength; length += step) {
      // No index section at all is the section of a state that adds no blob: the head says which it is.
      if (vector.structure === "index-section" && length === 0) continue;
      // The head of a state that adds nothing ends where the object ends.
      const error = await failureOf(() => byteReaders[vector.structure]!(bytes.slice(0, length), context));
      expect(isHoldfastError(error), `${length} bytes: ${String(error)}`).toBe(true);
    }
  });
});

test("a log entry above the limit is refused before it is looked at", () => {
  const huge = new Uint8Array(formatLimits.logEntryBytes + 1);
  expect(() => decodeLogEntry(huge, "an entry", () => true)).toThrow("too large");
});

describe("readable twins agree with the vectors", () => {
  test.each(good.filter((each) => each.structure === "segment" && each.value !== undefined).map(title))(
    "%s opens portably",
    (_, vector) => {
      const context = new Context(vector.context);
      const kind = context.text("kind") === "data" ? "data" : "meta";
      const segmentId = context.bytes("segmentId");
      const aad = segmentAad({ storeId: context.bytes("storeId"), use: "segment", kind, segmentId });
      const opened = openPortable(
        { key: context.bytes("sessionKey"), nonce: segmentId, aad },
        decodeHex(String(vector.input)),
      );
      const { plaintext } = vector.value as { plaintext: string };
      expect(decodeSegmentContent(opened, "a segment").plainBytes).toBe(plaintext.length / 2);
    },
  );

  test.each(good.filter((each) => each.structure === "cut-points").map(title))("%s is cut portably", (_, vector) => {
    const context = new Context(vector.context);
    const table = gearTable(context.bytes("chunkKey"));
    const sizes = {
      minBytes: context.number("minBytes"),
      avgBytes: context.number("avgBytes"),
      maxBytes: context.number("maxBytes"),
    };
    const { lengths } = vector.value as { lengths: number[] };
    const data = seededBytes(context.text("seed"), context.number("inputBytes"));
    // The slow twin goes a quarter of the way.
    let at = 0;
    for (const length of lengths.slice(0, Math.ceil(lengths.length / 4))) {
      expect(cutPointPortable(table, data.subarray(at, at + sizes.maxBytes), sizes)).toBe(length);
      at += length;
    }
  });

  test.each(good.filter((each) => each.structure === "blob-id").map(title))(
    "%s is named by WASM alone",
    async (_, vector) => {
      const mac = await createMac(new Context(vector.context).bytes("idKey"), { native: false });
      expect(Buffer.from(mac.digest(decodeHex(String(vector.input)))).toString("hex")).toBe(
        (vector.value as { chunkId: string }).chunkId,
      );
    },
  );

  test.each(
    good.filter((each) => each.structure === "passphrase" && each.context["passphrase"] !== undefined).map(title),
  )("%s is derived by WASM alone", async (_, vector) => {
    const context = new Context(vector.context);
    const cost = {
      memoryKiB: context.number("memoryKiB"),
      passes: context.number("passes"),
      parallelism: context.number("parallelism"),
    };
    const key = await derivePassphraseKey(
      context.text("passphrase"),
      { salt: context.bytes("salt"), ...cost },
      { native: false },
    );
    expect({ key: Buffer.from(key).toString("hex") }).toEqual(vector.value);
  });
});

async function failureOf(run: () => unknown): Promise<unknown> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return error;
  }
}
