import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundleMaxBytes } from "#shared/crypto/bundle.ts";
import { passphraseCostLimits } from "#shared/crypto/passphrase.ts";
import { errorKinds } from "#shared/errors.ts";
import {
  checkpointAttemptLayout,
  checkpointCondemnedLayout,
  checkpointHeadLimitBytes,
  checkpointSnapshotLayout,
  checkpointSweptLayout,
} from "./checkpoint.ts";
import { chunkListLayout } from "./chunk-list.ts";
import { directoryLayout } from "./directory.ts";
import { entryTypes } from "./entry.ts";
import { entryFieldLayout, entryLayout } from "./entry-fields.ts";
import { frameKinds, frameLayout } from "./frame.ts";
import { indexAadLayout, indexRowLayout, indexSectionLayout } from "./index-section.ts";
import { formatLimits } from "./limits.ts";
import { packHeaderLayout, packSessionRowLayout, packTableRowLayout, packTrailerLayout } from "./pack.ts";
import { segmentAadLayout, segmentLayout } from "./segment.ts";
import { snapshotAadLayout } from "./snapshot-aad.ts";
import { treeChildLayout, treeNodeLayout } from "./tree-node.ts";
import { formatVersions } from "./version.ts";

type Row = readonly (string | number)[];

const bytes = (rows: readonly Row[]) => ({ head: ["field", "bytes", "content"], rows });

/** The tables of FORMAT.md that the code gives, by the name in the comment above each. */
const tables: Readonly<Record<string, { readonly head: readonly string[]; readonly rows: readonly Row[] }>> = {
  frame: bytes(frameLayout),
  "frame kinds": { head: ["structure", "letters"], rows: Object.entries(frameKinds) },
  "pack header": bytes(packHeaderLayout),
  "pack session": bytes(packSessionRowLayout),
  "pack row": bytes(packTableRowLayout),
  "pack trailer": bytes(packTrailerLayout),
  segment: bytes(segmentLayout),
  directory: bytes(directoryLayout),
  "segment aad": bytes(segmentAadLayout),
  "snapshot aad": bytes(snapshotAadLayout),
  "index section": bytes(indexSectionLayout),
  "index row": bytes(indexRowLayout),
  "index aad": bytes(indexAadLayout),
  "tree node": bytes(treeNodeLayout),
  "tree child": bytes(treeChildLayout),
  entry: bytes(entryLayout),
  "entry fields": { head: ["name", "bit", "if it is set"], rows: entryFieldLayout },
  "entry types": { head: ["type", "number"], rows: Object.entries(entryTypes) },
  "chunk list": bytes(chunkListLayout),
  "checkpoint snapshot": bytes(checkpointSnapshotLayout),
  "checkpoint attempt": bytes(checkpointAttemptLayout),
  "checkpoint condemned": bytes(checkpointCondemnedLayout),
  "checkpoint swept": bytes(checkpointSweptLayout),
  versions: { head: ["structure", "version"], rows: Object.entries(formatVersions) },
  limits: {
    head: ["limit", "value", ""],
    rows: [
      ...Object.entries(formatLimits).map(([name, value]) => [name, value, inWords(value)]),
      ["bundleBytes", bundleMaxBytes, ""],
      ["checkpointHeadBytes", checkpointHeadLimitBytes, inWords(checkpointHeadLimitBytes)],
      ...Object.entries(passphraseCostLimits).map(([name, value]) => [`argon2id ${name}`, value, ""]),
    ],
  },
  "error kinds": {
    head: ["kind", "meaning"],
    rows: (["corrupt", "incompatible", "denied", "absent", "conflict"] as const).map((kind) => [
      kind,
      errorKinds[kind].meaning,
    ]),
  },
};

/** The names of the tables that FORMAT.md must have. */
export const tableNames: readonly string[] = Object.keys(tables);

const document = fileURLToPath(new URL("../FORMAT.md", import.meta.url));
const marked = /<!-- table: ([a-z ]+) -->\n[\s\S]*?<!-- end -->/g;

/** FORMAT.md as it is. */
export function readFormatDocument(): string {
  return readFileSync(document, "utf8");
}

/** The document with each marked table as the code gives it. */
export function withTables(text: string): string {
  return text.replaceAll(marked, (_match, name: string) => `<!-- table: ${name} -->\n${markdown(name)}<!-- end -->`);
}

const line = (cells: Row): string => `| ${cells.join(" | ")} |\n`;

function markdown(name: string): string {
  const table = tables[name];
  if (table === undefined) throw new TypeError(`The code gives no table "${name}"`);
  return line(table.head) + line(table.head.map(() => "---")) + table.rows.map(line).join("");
}

function inWords(value: number): string {
  for (const [unit, size] of [
    ["Gi", 2 ** 30],
    ["Mi", 2 ** 20],
    ["Ki", 2 ** 10],
  ] as const) {
    if (value % size === 0 && value / size < 1024) return `${value / size} ${unit}`;
  }
  return value > 2 ** 40 ? `2^${Math.log2(value)}` : "";
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(document, withTables(readFormatDocument()));
