import { blockDigestBytes, type Importer, type ScanBlock, type ScanRecord } from "#shared/connectors/importer.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { isBorder, treeNodeItemsMax } from "#shared/tree/is-border.ts";

/** An importer that tells of blocks what `source` tells of records, and counts those that it left out. */
export function blockedSource(source: Importer): Importer & { readonly left: { blocks: number; records: number } } {
  const left = { blocks: 0, records: 0 };
  return {
    ...source,
    left,
    async *scanBlocks(onProblem, known) {
      const records: ScanRecord[] = [];
      for await (const batch of source.scan(onProblem)) for (const record of batch) records.push({ ...record });
      const numbers = new Map<string, number>();
      for (let at = 0; at < (known?.digests.byteLength ?? 0); at += blockDigestBytes)
        numbers.set(textOf(known?.digests.slice(at, at + blockDigestBytes)), at / blockDigestBytes);
      for (let from = 0; from < records.length;) {
        let to = from;
        while (to < records.length - 1 && to - from < treeNodeItemsMax - 1 && !endsLeaf(records[to])) to++;
        yield [blockOf(records.slice(from, ++to))];
        from = to;
      }

      function blockOf(part: ScanRecord[]): ScanBlock {
        const digest = sha256(Buffer.from(JSON.stringify(part))).slice(0, blockDigestBytes);
        const number = numbers.get(textOf(digest));
        if (number === undefined) return { records: part, digest };
        left.blocks++;
        left.records += part.length;
        return { known: number };
      }
    },
  };
}

function endsLeaf(record: ScanRecord | undefined): boolean {
  return record !== undefined && isBorder(record.dir, record.name, 0);
}

function textOf(digest: Uint8Array | undefined): string {
  return Buffer.from(digest ?? []).toString("hex");
}
