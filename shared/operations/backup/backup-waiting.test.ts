import fc from "fast-check";
import { expect, it } from "vitest";
import { type EntryType, entryTypes } from "#shared/format/entry.ts";
import type { Importer, ScanRecord } from "#shared/connectors/importer.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { backupSmall, createSmall, openSmall, readWhole, wholeFile } from "#shared/operations/small-store.testing.ts";
import { type ScriptedEntry, scriptedSource } from "./scripted-source.testing.ts";

// The queue of a backup holds 2,048 entries before it must be emptied, a scan tells of at most 3,072 records at a time, and a batch for a thread has 192
// files. Whatever order entries that need no reading, files and unchanged entries come in around these numbers, a backup ends.

type Run = { readonly kind: "empty" | "link" | "directory" | "file"; readonly length: number };

const types: Readonly<Record<Run["kind"], EntryType>> = {
  empty: entryTypes.file,
  link: entryTypes.symlink,
  directory: entryTypes.directory,
  file: entryTypes.file,
};

function entriesOf(runs: readonly Run[]): ScriptedEntry[] {
  return runs.flatMap(({ kind, length }, run) =>
    Array.from({ length }, (_, number) => {
      const path = `${String(run).padStart(2, "0")}-${String(number).padStart(5, "0")}`;
      const entry = { path, type: types[kind] };
      if (kind === "link") return { ...entry, target: "elsewhere" };
      return kind === "file" ? { ...entry, content: path } : entry;
    }),
  );
}

/** The same source, told in batches of these sizes, again and again. */
function inBatches(source: Importer, sizes: readonly number[]): Importer {
  return {
    ...source,
    async *scan(onProblem) {
      const records: ScanRecord[] = [];
      for await (const batch of source.scan(onProblem)) records.push(...batch);
      for (let from = 0, turn = 0; from < records.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        yield records.slice(from, from + size);
        from += size;
      }
    },
  };
}

async function expectBackedUp(runs: readonly Run[], batches: readonly number[]): Promise<void> {
  const store = memoryStore();
  await createSmall(store);
  const entries = entriesOf(runs);
  const source = () => inBatches(scriptedSource({ entries }), batches);
  const first = await backupSmall(store, [source()]);
  expect(first.entries).toBe(1 + entries.length);
  // Without the first file, and with one more at the end: what is unchanged comes in leaves and parts of leaves.
  const later = [...entries.slice(1), { path: "zz", content: "new" }];
  const second = await backupSmall(store, [inBatches(scriptedSource({ entries: later }), batches)]);
  expect(second.entries).toBe(1 + later.length);
  const read = await readWhole(await openSmall(store));
  expect(read.get("/scripted/zz")).toBe(wholeFile("new"));
  expect(read.size).toBe(later.length);
}

it.each([2047, 2048, 2049, 2061, 3071, 3072, 5000])(
  "backs up %i entries that need no reading, told at once",
  async (length) => {
    await expectBackedUp([{ kind: "empty", length }], [length + 1]);
    await expectBackedUp([{ kind: "link", length }], [3072, 1]);
    await expectBackedUp([{ kind: "directory", length }], [length + 1]);
  },
);

it("backs up what needs no reading behind files that are being read, and the other way round", async () => {
  for (const files of [1, 191, 192, 193, 600])
    await expectBackedUp(
      [
        { kind: "file", length: files },
        { kind: "link", length: 2500 },
        { kind: "file", length: 1 },
        { kind: "empty", length: 2100 },
      ],
      [5000, 1],
    );
});

it("backs up any mixture of entries in batches of any size", async () => {
  const lengths = fc.oneof(
    fc.integer({ min: 1, max: 40 }),
    fc.constantFrom(191, 192, 193, 1023, 1024, 1025, 2047, 2048, 2049, 3071, 3072, 3073),
  );
  const kinds = fc.constantFrom<Run["kind"][]>("empty", "link", "directory", "file");
  const run = fc.record({ kind: kinds, length: lengths });
  await fc.assert(
    fc.asyncProperty(
      fc.array(run, { minLength: 1, maxLength: 5 }),
      fc.array(lengths, { minLength: 1, maxLength: 3 }),
      expectBackedUp,
    ),
    { numRuns: 15 },
  );
});
