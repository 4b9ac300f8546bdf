import { decodeChunkList } from "#shared/format/chunk-list.ts";
import { chunkRowBytes, type Entry, entryPath, entryTypes, listRowBytes } from "#shared/format/entry.ts";
import { idToBytes } from "#shared/format/ids.ts";
import type { SnapshotSource } from "#shared/format/snapshot.ts";
import type { PackReference } from "#shared/format/state.ts";
import { decodeTreeNode, type TreeNode } from "#shared/format/tree-node.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { resolveRow, rowsOf } from "#shared/log/resolve-row.ts";
import type { EntryError, Progress, Reporter } from "#shared/operations/progress.ts";
import type { BlobReader } from "#shared/repository/blob-reader.ts";
import type { Repository } from "#shared/repository/repository.ts";
import type { Snapshot } from "#shared/snapshot/read-snapshot.ts";
import { isRemoved } from "#shared/snapshot/snapshot-reader.ts";
import { nodeName } from "#shared/tree/read-tree.ts";

/** A snapshot and the segments that its state refers to. */
export type CheckedSnapshot = Snapshot & { readonly references: readonly PackReference[] };

/** Damaged files that are named, of one snapshot and in all; more are counted only. */
const namedFilesMax = 10_000;

/**
 * Walks the trees of snapshots: every node must be readable, every chunk where the index says, and it or another copy of it in a
 * segment that the snapshot's state refers to.
 *
 * Leaves that several snapshots share are walked once, unless something in them is damaged or a snapshot does not refer to the
 * segments that they need. Memory: about a hundred bytes for each distinct leaf, and what is told of the damaged files of one snapshot.
 */
export class TreeCheck {
  readonly #repository: Repository;
  readonly #badSegments: ReadonlyMap<number, string>;
  readonly #reporter: Reporter;
  readonly #progress: Progress;
  readonly #signal: AbortSignal | undefined;
  /** Leaves that were found sound, and the segments that they need: another snapshot must refer to those as well. */
  readonly #soundLeaves = new Map<string, { readonly entries: number; readonly segments: Uint32Array }>();
  /** Segments that the leaf at hand needs. */
  readonly #needed = new Set<number>();
  damagedFiles = 0;
  /** Snapshots that can be restored, but depend on what only others refer to. */
  rescuedSnapshots = 0;
  /** Blobs of the snapshot at hand that are whole only where other snapshots stored them again. */
  #rescued = 0;
  /** Damaged files of the snapshot at hand, and what is to be told of the first of them. */
  #found = 0;
  readonly #tales: EntryError[] = [];
  #reader: BlobReader | undefined;
  #prefix = "";
  #references: readonly PackReference[] = [];
  /** The segments that the snapshot refers to, as which they are read by `#log`. */
  #referenced: Set<number> = new Set();
  #log: LogState | undefined;

  constructor(parts: {
    readonly repository: Repository;
    readonly badSegments: ReadonlyMap<number, string>;
    readonly reporter: Reporter;
    readonly progress: Progress;
    readonly signal: AbortSignal | undefined;
  }) {
    this.#repository = parts.repository;
    this.#badSegments = parts.badSegments;
    this.#reporter = parts.reporter;
    this.#progress = parts.progress;
    this.#signal = parts.signal;
  }

  /**
   * Checks the trees of a snapshot. Damage is told of once its end is reached and the log, folded again, still has the snapshot: what a
   * snapshot needs is swept under the walk when somebody removes it.
   *
   * @returns false: something that it needs is not there, and it was removed; nothing was told
   */
  async checkSnapshot(snapshot: CheckedSnapshot): Promise<boolean> {
    this.#found = 0;
    this.#tales.length = 0;
    this.#rescued = 0;
    await this.#walk(snapshot);
    if (this.#rescued > 0) {
      this.rescuedSnapshots++;
      this.#tellRescued(snapshot);
    }
    if (this.#found === 0) return true;
    await this.#repository.refresh();
    if (snapshot.record.removed === undefined && isRemoved(this.#repository.log, snapshot.id)) return false;
    for (const told of this.#tales.slice(0, Math.max(0, namedFilesMax - this.damagedFiles)))
      this.#reporter.entryError(told);
    this.damagedFiles += this.#found;
    this.#progress.errors += this.#found;
    return true;
  }

  #tellRescued({ id }: CheckedSnapshot): void {
    const message = `Snapshot ${id.slice(0, 12)} can be restored whole, but from copies that only other snapshots refer to and that go with them. Run \`holdfast repair --apply\`: then it refers to them itself.`;
    this.#reporter.notice({ level: "warning", message });
  }

  async #walk(snapshot: CheckedSnapshot): Promise<void> {
    this.#reader ??= await this.#repository.blobReader();
    this.#references = snapshot.references;
    this.#followLog();
    for (const source of snapshot.header.sources) {
      this.#prefix = `${snapshot.id.slice(0, 8)}:${source.root === "/" ? "" : source.root}`;
      await this.#checkSource(source);
    }
    const { errorList } = snapshot.header;
    if (errorList === undefined) return;
    try {
      await this.#reader.readNode(idToBytes(errorList));
    } catch (error) {
      this.#damage("", error);
    }
  }

  async #checkSource(source: SnapshotSource): Promise<void> {
    const before = this.#found;
    const totals = await this.#checkNode(idToBytes(source.tree.nodeId), source.tree.level, "");
    if (this.#found === before && totals !== undefined && totals.entries !== source.tree.entries) {
      this.#damage(
        "",
        new HoldfastError("corrupt", `The tree has ${totals.entries} entries instead of ${source.tree.entries}`),
      );
    }
  }

  /** Checks a node and all below it. @returns its totals, or undefined when it cannot be read */
  async #checkNode(nodeId: Uint8Array, level: number, near: string): Promise<{ entries: number } | undefined> {
    if (this.#signal?.aborted === true) throw new HoldfastError("interrupted", "The check was interrupted");
    const name = Buffer.from(nodeId).toString("latin1", 0, 16);
    this.#needSegment(nodeId, 0, near);
    const sound = this.#soundLeaves.get(name);
    if (sound?.segments.every((segment) => this.#isReferenced(segment)) === true) return { entries: sound.entries };
    const before = this.#found;
    let node: TreeNode;
    try {
      node = decodeTreeNode(
        (await this.#reader?.readNode(nodeId)) ?? new Uint8Array(0),
        `tree node ${nodeName(nodeId)}`,
      );
      if (node.level !== level)
        throw new HoldfastError(
          "corrupt",
          `Cannot read tree node ${nodeName(nodeId)}: it has another level than its parent says`,
        );
    } catch (error) {
      this.#damage(near, error);
      return undefined;
    }
    let entries = 0;
    if ("entries" in node) {
      this.#needed.clear();
      for (const entry of node.entries) {
        this.#progress.entriesDone++;
        if (entry.type === entryTypes.file) await this.#checkFile(entry);
      }
      entries = node.entries.length;
      if (this.#found === before) this.#soundLeaves.set(name, { entries, segments: Uint32Array.from(this.#needed) });
    } else {
      for (const child of node.children) {
        const below = await this.#checkNode(
          child.nodeId,
          level - 1,
          child.lastDir === "" ? child.lastName : `${child.lastDir}/${child.lastName}`,
        );
        if (below !== undefined && below.entries !== child.entries) {
          this.#damage(
            near,
            new HoldfastError(
              "corrupt",
              `A tree node has ${below.entries} entries below it instead of ${child.entries}`,
            ),
          );
        }
        entries += child.entries;
      }
    }
    return { entries };
  }

  async #checkFile(entry: Entry): Promise<void> {
    const path = entryPath(entry);
    if (!this.#checkChunks(entry.chunks, path) || entry.lists === undefined) return;
    for (let at = 0; at < entry.lists.byteLength; at += listRowBytes) {
      const id = entry.lists.subarray(at, at + 32);
      this.#needSegment(id, 0, path);
      try {
        const rows = decodeChunkList((await this.#reader?.readNode(id)) ?? new Uint8Array(0), "a chunk list");
        if (!this.#checkChunks(rows, path)) return;
      } catch (error) {
        this.#damage(path, error);
        return;
      }
    }
  }

  #checkChunks(rows: Uint8Array, path: string): boolean {
    for (let at = 0; at < rows.byteLength; at += chunkRowBytes) if (!this.#needSegment(rows, at, path)) return false;
    return true;
  }

  /** Whether the blob whose id begins at `ids[offset]` is in a sound segment that the snapshot's state refers to. */
  #needSegment(ids: Uint8Array, offset: number, path: string): boolean {
    if (this.#log !== this.#repository.log) this.#followLog();
    const { index, segments } = this.#repository;
    const first = segments.current(index.findSegment(ids, offset));
    if (this.#referenced.has(first) && !this.#badSegments.has(first) && segments.standing(first) !== "gone") {
      this.#needed.add(first);
      return true;
    }
    // Another state may hold a copy: one that was stored at the same time, or because of the damage.
    let reason = "no state tells of a blob that it needs";
    let isElsewhere = false;
    for (const { segment: stored } of index.places(ids, offset)) {
      const segment = segments.current(stored);
      const { packId } = segments.packOf(segment);
      const isBad = segments.standing(stored) === "gone" || this.#badSegments.has(segment);
      if (!isBad && this.#referenced.has(segment)) {
        this.#needed.add(segment);
        return true;
      }
      // What a repair gave up is condemned: it is not read, and may be damaged.
      if (!isBad && segments.standing(stored) === "live") isElsewhere = true;
      if (segments.standing(stored) === "gone") reason = `pack ${packId} was swept`;
      else if (this.#badSegments.has(segment)) reason = damagedPack(packId, this.#badSegments.get(segment));
    }
    // A restore takes a copy that was stored again after the damage, whichever snapshot refers to it.
    if (isElsewhere) {
      this.#rescued++;
      this.#needed.add(first);
      return true;
    }
    this.#damage(path, new HoldfastError("corrupt", `It cannot be restored whole: ${reason}`));
    return false;
  }

  /** Takes over where the segments that the snapshot refers to are now. */
  #followLog(): void {
    const { log, segments: table } = this.#repository;
    this.#log = log;
    this.#referenced = new Set();
    for (const { packId, segments } of this.#references) {
      for (const row of rowsOf(segments)) {
        // The table does not know packs that were placed, emptied again and swept: the log leads through them.
        const at = resolveRow(log, packId, row);
        const pack = table.findPack(at.packId);
        if (pack !== undefined && at.row < pack.segmentCount) this.#referenced.add(pack.firstSegment + at.row);
      }
    }
  }

  #isReferenced(segment: number): boolean {
    if (this.#log !== this.#repository.log) this.#followLog();
    return this.#referenced.has(this.#repository.segments.current(segment));
  }

  #damage(path: string, error: unknown): void {
    if (!isHoldfastError(error) || error.kind === "internal" || error.kind === "interrupted") throw error;
    this.#found++;
    if (this.#found <= namedFilesMax)
      this.#tales.push({ path: `${this.#prefix}/${path}`, kind: error.kind, message: error.message });
  }
}

function damagedPack(packId: string, why: string | undefined): string {
  const segment = /^The segment at byte \d+/.exec(why ?? "")?.[0];
  return segment === undefined ? `pack ${packId} is damaged` : `${segment.toLowerCase()} of pack ${packId} is damaged`;
}
