import { compareEntryKeys, type Entry } from "#shared/format/entry.ts";
import { LeafWriter } from "#shared/format/leaf-writer.ts";
import { decodeTreeNode } from "#shared/format/tree-node.ts";

/** Entries of one page. */
const pageEntries = 2048;

/**
 * Remembers entries, encoded as tree leaves, to come back to them in reverse. They come in key order, but for directories that are added late, before
 * the first of what lies in them.
 *
 * Memory: about 30 bytes an entry beside its name.
 */
export class DirectoryLedger {
  readonly #pages: Uint8Array[] = [];
  #open = new LeafWriter();
  #last: Pick<Entry, "dir" | "name"> | undefined;

  add(entry: Entry): void {
    const last = this.#last;
    const isLate = last !== undefined && compareEntryKeys(last.dir, last.name, entry.dir, entry.name) >= 0;
    if (isLate && this.#open.count > 0) this.#pages.push(this.#open.finish());
    this.#last = entry;
    this.#open.add(entry);
    if (this.#open.count >= pageEntries) this.#pages.push(this.#open.finish());
  }

  /** All entries, the last added first. The ledger is empty afterwards. */
  *takeReversed(): Generator<Entry> {
    if (this.#open.count > 0) this.#pages.push(this.#open.finish());
    for (let page = this.#pages.pop(); page !== undefined; page = this.#pages.pop()) {
      const node = decodeTreeNode(page, "a page of the ledger");
      if (!("entries" in node)) return;
      for (let index = node.entries.length - 1; index >= 0; index--) {
        const entry = node.entries[index];
        if (entry !== undefined) yield entry;
      }
    }
  }
}
