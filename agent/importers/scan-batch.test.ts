import { describe, expect, it } from "vitest";
import type { ScanRecord } from "#shared/connectors/importer.ts";
import { isBorder } from "#shared/tree/is-border.ts";
import { ScanPacker, unpackBatch } from "./scan-batch.ts";
import { newRecord } from "./scan-tree.ts";

function recordsOf(count: number): ScanRecord[] {
  return Array.from({ length: count }, (_each, number) => ({
    ...newRecord(),
    dir: `d${Math.floor(number / 500)}`,
    name: String(number).padStart(6, "0"),
    size: number,
  }));
}

type Seen = { readonly names: readonly string[]; readonly digest: string } | { readonly known: number };

/** What comes out of a packer as batches, and the digests in it one after the other. */
function pack(records: readonly ScanRecord[], known?: Uint8Array) {
  const packer = new ScanPacker(known);
  const seen: Seen[] = [];
  const digests: Uint8Array[] = [];
  let batches = 0;
  const send = (): void => {
    batches++;
    const { batch } = packer.take();
    for (const block of unpackBatch(batch, "/r")) {
      if ("known" in block) seen.push(block);
      else {
        const names = Array.from(block.records, ({ dir, name, size, path }) => `${dir}/${name} ${size} ${path}`);
        seen.push({ names, digest: Buffer.from(block.digest).toString("hex") });
        digests.push(block.digest);
      }
    }
  };
  for (const record of records) {
    packer.add(record);
    if (packer.full) send();
  }
  packer.endBlock();
  if (!packer.empty) send();
  return { seen, digests: Uint8Array.from(Buffer.concat(digests)), batches };
}

describe("ScanPacker", () => {
  const records = recordsOf(10_000);

  it("gives all records back in order, in blocks that end at borders", () => {
    const { seen, batches } = pack(records);
    const all = seen.flatMap((each) => ("names" in each ? each.names : []));
    expect(all.join("\n")).toBe(
      records.map(({ dir, name, size }) => `${dir}/${name} ${size} /r/${dir}/${name}`).join("\n"),
    );
    let at = 0;
    for (const block of seen.slice(0, -1)) {
      at += "names" in block ? block.names.length : 0;
      const last = records[at - 1];
      expect(isBorder(last?.dir ?? "", last?.name ?? "", 0)).toBe(true);
    }
    expect(batches).toBeGreaterThan(4);
    expect(batches).toBeLessThan(12);
  });

  it("leaves known blocks out, and no others", () => {
    const first = pack(records);
    const again = pack(records, first.digests);
    expect(again.seen).toEqual(first.seen.map((_each, number) => ({ known: number })));
    for (const field of [
      "size",
      "mode",
      "uid",
      "mtimeNsec",
      "ctimeSec",
      "btimeNsec",
      "inodeHi",
      "device",
      "nlink",
    ] as const) {
      const changed = records.map((record) => ({ ...record }));
      const one = changed[5000];
      if (one !== undefined) one[field]++;
      const { seen } = pack(changed, first.digests);
      const sent = seen.filter((each) => "names" in each);
      expect(sent).toHaveLength(1);
      expect(seen).toHaveLength(first.seen.length);
    }
  });

  it("tells blocks apart whose names and directories come to the same text", () => {
    const one = { ...newRecord(), dir: "a", name: "b" };
    const digests = [
      pack([one, { ...one, name: "c" }]),
      pack([
        { ...one, name: "b" },
        { ...one, dir: "a/c", name: "" },
      ]),
      pack([{ ...one, name: "bc" }]),
      pack([{ ...one, dir: "", name: "b" }]),
    ].map((each) => Buffer.from(each.digests).toString("hex"));
    expect(new Set(digests).size).toBe(4);
  });

  it("ends a block where no key is a border for long", () => {
    const plain = recordsOf(200_000)
      .filter(({ dir, name }) => !isBorder(dir, name, 0))
      .slice(0, 5000);
    const { seen } = pack(plain);
    expect(seen.map((each) => ("names" in each ? each.names.length : 0))).toEqual([2048, 2048, 904]);
    expect(pack(plain, pack(plain).digests).seen).toEqual([{ known: 0 }, { known: 1 }, { known: 2 }]);
  });
});
