import { readFileSync } from "node:fs";
import { decode } from "cborg";
import { expect, test } from "vitest";
import { decodeHex } from "#shared/bytes/hex.ts";
import { readFormatDocument, tableNames, withTables } from "./document-tables.testing.ts";
import { entryFieldLayout, entryFields } from "./entry-fields.ts";
import { frameHeaderBytes, frameLayout } from "./frame.ts";
import { indexAadLayout, indexRowBytes, indexRowLayout } from "./index-section.ts";
import {
  packHeaderBytes,
  packHeaderLayout,
  packSessionRowBytes,
  packSessionRowLayout,
  packTableRowBytes,
  packTableRowLayout,
  packTrailerBytes,
  packTrailerLayout,
} from "./pack.ts";
import { segmentAadLayout } from "./segment.ts";
import { snapshotAadLayout } from "./snapshot-aad.ts";

const text = readFormatDocument();

test("the tables of FORMAT.md are those of the code", () => {
  // To bring them up to date: node shared/format/document-tables.testing.ts
  expect(text).toBe(withTables(text));
});

test("FORMAT.md has every table that the code gives", () => {
  const names = Array.from(text.matchAll(/<!-- table: ([a-z ]+) -->/g), ([, name]) => name);
  expect(new Set(names)).toEqual(new Set(tableNames));
});

const sum = (rows: readonly (readonly [string, number | string, string])[]): number =>
  rows.reduce((total, [, bytes]) => total + (typeof bytes === "number" ? bytes : 0), 0);

test("lengths in tables add up to those that the codecs use", () => {
  expect(sum(frameLayout.slice(0, 5))).toBe(frameHeaderBytes);
  expect(sum(packHeaderLayout)).toBe(packHeaderBytes);
  expect(sum(packTableRowLayout)).toBe(packTableRowBytes);
  expect(sum(packSessionRowLayout)).toBe(packSessionRowBytes);
  expect(sum(packTrailerLayout)).toBe(packTrailerBytes);
  expect(sum(indexRowLayout)).toBe(indexRowBytes);
  expect([sum(segmentAadLayout), sum(snapshotAadLayout), sum(indexAadLayout)]).toEqual([62, 53, 66]);
});

test("the bits of entries are numbered as the table says", () => {
  expect(Object.fromEntries(entryFieldLayout.map(([name, bit]) => [name, 1 << bit]))).toEqual(entryFields);
});

/** The names in the first column of the tables of a section, before `until` if given. */
function fieldsOf(heading: string, from = "", until = "\n## "): string[] {
  const section = text.split(`\n${heading}\n`)[1] ?? "";
  const part = section.slice(section.indexOf(from)).split(until)[0] ?? "";
  return Array.from(part.matchAll(/^\| (`[^|]*`) \|/gm), ([, cell = ""]) => cell)
    .flatMap((cell) => cell.split(", "))
    .map((name) => name.replaceAll("`", ""))
    .sort();
}

/** The fields of a CBOR map in a vector, at `offset` of its bytes. */
function fieldsIn(vector: string, offset: number): Record<string, unknown> {
  const { input } = JSON.parse(readFileSync(new URL(`../vectors/${vector}.json`, import.meta.url), "utf8")) as {
    input: string;
  };
  const bytes = decodeHex(input).subarray(offset);
  for (let end = bytes.byteLength; ; end--) {
    try {
      return decode(bytes.subarray(0, end)) as Record<string, unknown>;
    } catch {
      if (end === 0) throw new TypeError(`There is no CBOR in ${vector}`);
    }
  }
}

test.each([
  ["## Config", "config/sealed", frameHeaderBytes],
  ["## State", "state/nothing-new", frameHeaderBytes],
  ["## Log entry", "log-entry/commit", frameHeaderBytes],
])("%s lists the fields that are encoded", (heading, vector, offset) => {
  const encoded = Object.keys(fieldsIn(vector, offset)).sort();
  const until = heading === "## Log entry" ? "\nEvents" : "\n## ";
  expect(fieldsOf(heading, "", until)).toEqual(encoded);
});

test("the fields of a key slot, a snapshot header and its sources are those that are encoded", () => {
  expect(fieldsOf("### Key slot", "", "\nThe slot's key")).toEqual(
    Object.keys(fieldsIn("key-slot/passphrase", frameHeaderBytes)).sort(),
  );
  const header = fieldsIn("snapshot-header/full", 0);
  expect(fieldsOf("## Snapshot header", "| `version`", "\nA source")).toEqual(Object.keys(header).sort());
  const [source] = fieldsIn("snapshot-header/parents", 0)["sources"] as Record<string, unknown>[];
  expect(fieldsOf("## Snapshot header", "\nA source")).toEqual(Object.keys(source ?? {}).sort());
});

test("FORMAT.md names every rule of the log", () => {
  const code = readFileSync(new URL("../log/violation.ts", import.meta.url), "utf8");
  const names = Array.from(code.matchAll(/^ {2}\| "([a-z-]+)"/gm), ([, name]) => name);
  const described = Array.from(text.matchAll(/^\| `([a-z]+(?:-[a-z]+)+)` \|/gm), ([, name]) => name);
  expect(new Set(described)).toEqual(new Set(names));
});
