import type { ScanRecord } from "#shared/connectors/importer.ts";
import { type Entry, noChunks } from "#shared/format/entry.ts";
import type { EntryQueue, QueuedEntry } from "./entry-queue.ts";

/** Inodes with several links that are remembered at most; of those beyond, each link is read for itself. */
const rememberedMax = 200_000;

/** The first link of an inode that was met, and those that wait for its content. */
export class LeadingLink {
  readonly entry: Entry;
  readonly waiting: QueuedEntry[] = [];
  done = false;

  constructor(entry: Entry) {
    this.entry = entry;
  }

  /** Gives the content to all links that wait for it. @param onReplaced - told of those whose file another one took the place of */
  complete(onReplaced: (entry: Entry) => void): void {
    this.done = true;
    for (const item of this.waiting) {
      copyContent(this.entry, item.entry);
      if (item.entry.inodeLo !== this.entry.inodeLo || item.entry.inodeHi !== this.entry.inodeHi) {
        dropContent(item.entry);
        onReplaced(item.entry);
      }
      item.ready = true;
    }
    this.waiting.length = 0;
  }
}

/** Sees to it that the content of an inode with several links is read once. */
export class HardLinks {
  readonly #leads = new Map<string, { link: LeadingLink; left: number }>();

  /** Makes an entry the first link of its inode. */
  lead(record: ScanRecord, entry: Entry): LeadingLink | undefined {
    if (this.#leads.size >= rememberedMax) return undefined;
    const link = new LeadingLink(entry);
    this.#leads.set(inodeName(record), { link, left: record.nlink - 1 });
    return link;
  }

  /** Queues an entry that takes its content from an earlier link, if there is one. @param scannedSize - as for `EntryQueue.add` */
  follow(record: ScanRecord, queue: EntryQueue, entry: Entry, scannedSize: number): boolean {
    const name = inodeName(record);
    const lead = this.#leads.get(name);
    if (lead === undefined) return false;
    if (--lead.left <= 0) this.#leads.delete(name);
    if (lead.link.done) {
      copyContent(lead.link.entry, entry);
      queue.add(entry, true, scannedSize);
    } else lead.link.waiting.push(queue.add(entry, false, scannedSize));
    return true;
  }
}

/** An inode as it was seen: one that was written to between two looks counts as another, whose content is read for itself. */
function inodeName(record: ScanRecord): string {
  const { device, inodeHi, inodeLo, size, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec } = record;
  return `${device}:${inodeHi}:${inodeLo}:${size}:${mtimeSec}.${mtimeNsec}:${ctimeSec}.${ctimeNsec}`;
}

function copyContent(from: Entry, to: Entry): void {
  to.size = from.size;
  to.chunks = from.chunks;
  to.lists = from.lists;
  to.extents = from.extents;
  to.xattrs = from.xattrs;
  to.flags = from.flags;
  to.changed = from.changed;
  to.error = from.error;
}

/** The content that was read is of another file than this one is a name of. */
function dropContent(entry: Entry): void {
  entry.size = 0;
  entry.chunks = noChunks;
  entry.lists = undefined;
  entry.extents = undefined;
  entry.xattrs = undefined;
  entry.error = "Another name of it was replaced while the backup ran.";
}
