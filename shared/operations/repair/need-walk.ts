import { decodeChunkList } from "#shared/format/chunk-list.ts";
import { chunkRowBytes, type Entry, entryPath, entryTypes, listRowBytes } from "#shared/format/entry.ts";
import { idToBytes, type PackId } from "#shared/format/ids.ts";
import type { SnapshotHeader } from "#shared/format/snapshot.ts";
import { decodeTreeNode, type TreeNode } from "#shared/format/tree-node.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { blobCopies } from "#shared/repository/blob-copies.ts";
import type { BlobReader } from "#shared/repository/blob-reader.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { nodeName } from "#shared/tree/read-tree.ts";

/** Paths that are named for one snapshot; more are counted only. */
const namedPathsMax = 10_000;

/** The kind of pack in which a blob belongs, and its id as text of one char per byte. */
export type SalvageBlob = { readonly kind: "data" | "meta"; readonly id: string };

/** Where a snapshot finds what it needs. */
export type Needs = {
  /** Ordinals of sound segments in packs that stay. */
  readonly segments: ReadonlySet<number>;
  /** Blobs whose only sound copies are in packs that must go, by their id. */
  readonly salvage: ReadonlyMap<string, SalvageBlob>;
  /** Paths that cannot be had whole any more, as binary strings: the first ten thousand. */
  readonly lostPaths: readonly string[];
  readonly lostCount: number;
  /** Whether the list of what the backup could not read is lost, which counts as a path in `lostCount` and is none of `lostPaths`. */
  readonly isErrorListLost: boolean;
};

/** What is wrong with segments and packs. */
export type Damage = {
  /** Ordinals of segments that cannot be read. */
  readonly badSegments: ReadonlySet<number>;
  /** Packs that are missing or have any damage: nothing may rely on them any longer. */
  readonly leavingPacks: ReadonlyMap<PackId, string>;
  /** Packs of which every byte was read: those of them that are not leaving are whole. */
  readonly provenPacks: ReadonlySet<PackId>;
};

/** What was found below a leaf, for the next snapshot that has it. */
type KnownLeaf = { readonly segments: Uint32Array; readonly salvage: readonly SalvageBlob[] };

/**
 * Walks the trees of snapshots and finds a sound place for every blob: in a segment that the snapshot's state references already where
 * there is one, else in any other that holds a copy.
 *
 * Leaves that several snapshots share are read once, unless something in them is lost. Memory: about a hundred bytes for each
 * distinct leaf, and the ids of blobs to be salvaged.
 */
export class NeedWalk {
  readonly #repository: Repository;
  readonly #damage: Damage;
  readonly #signal: AbortSignal | undefined;
  readonly #leaves = new Map<string, KnownLeaf>();
  readonly #doubted = new Set<PackId>();
  #reader: BlobReader | undefined;
  #isReferenced: (ordinal: number) => boolean = () => true;
  #segments = new Set<number>();
  #salvage = new Map<string, SalvageBlob>();
  #lostPaths: string[] = [];
  #lostCount = 0;
  #prefix = "";

  constructor(repository: Repository, damage: Damage, signal: AbortSignal | undefined) {
    this.#repository = repository;
    this.#damage = damage;
    this.#signal = signal;
  }

  /**
   * Condemned packs in which something was found, and that nobody has read: a repair condemns what it finds damaged, so they have to be proved before
   * anything is built on them.
   */
  get doubtedPacks(): ReadonlySet<PackId> {
    return this.#doubted;
  }

  /**
   * What a snapshot needs.
   *
   * @param isReferenced - whether the snapshot's state references a segment; of a snapshot without a state it references all
   */
  async walk(header: SnapshotHeader, isReferenced: (ordinal: number) => boolean): Promise<Needs> {
    this.#reader ??= await this.#repository.blobReader();
    this.#isReferenced = isReferenced;
    this.#segments = new Set();
    this.#salvage = new Map();
    this.#lostPaths = [];
    this.#lostCount = 0;
    for (const source of header.sources) {
      this.#prefix = source.root === "/" ? "" : source.root;
      await this.#walkNode(idToBytes(source.tree.nodeId), source.tree.level, "");
    }
    this.#prefix = "";
    const isErrorListLost = header.errorList !== undefined && !this.#find(idToBytes(header.errorList), 0, "meta");
    if (isErrorListLost) this.#lostCount++;
    return {
      segments: this.#segments,
      salvage: this.#salvage,
      lostPaths: this.#lostPaths,
      lostCount: this.#lostCount,
      isErrorListLost,
    };
  }

  async #walkNode(nodeId: Uint8Array, level: number, near: string): Promise<void> {
    if (this.#signal?.aborted === true) throw new HoldfastError("interrupted", "The repair was interrupted");
    const name = Buffer.from(nodeId).toString("latin1");
    const known = this.#leaves.get(name);
    if (known?.segments.every((segment) => this.#isReferenced(segment)) === true) {
      for (const segment of known.segments) this.#segments.add(segment);
      for (const blob of known.salvage) this.#salvage.set(blob.id, blob);
      return;
    }
    const isFound = this.#find(nodeId, 0, "meta");
    const node = isFound ? await this.#readNode(nodeId, level) : undefined;
    if (node === undefined) {
      this.#lose(near === "" ? "everything" : `everything up to ${near}`);
      return;
    }
    if ("children" in node) {
      for (const child of node.children) {
        const last = child.lastDir === "" ? child.lastName : `${child.lastDir}/${child.lastName}`;
        await this.#walkNode(child.nodeId, level - 1, last);
      }
      return;
    }
    await this.#walkLeaf(name, nodeId, node.entries);
  }

  async #walkLeaf(name: string, nodeId: Uint8Array, entries: readonly Entry[]): Promise<void> {
    const [segments, salvage, lost] = [this.#segments, this.#salvage, this.#lostCount];
    this.#segments = new Set();
    this.#salvage = new Map();
    this.#find(nodeId, 0, "meta");
    for (const entry of entries) {
      if (entry.type === entryTypes.file && !(await this.#findFile(entry))) this.#lose(entryPath(entry));
    }
    if (this.#lostCount === lost) {
      this.#leaves.set(name, { segments: Uint32Array.from(this.#segments), salvage: [...this.#salvage.values()] });
    }
    for (const segment of this.#segments) segments.add(segment);
    for (const [id, blob] of this.#salvage) salvage.set(id, blob);
    [this.#segments, this.#salvage] = [segments, salvage];
  }

  async #findFile(entry: Entry): Promise<boolean> {
    let isWhole = this.#findChunks(entry.chunks);
    if (entry.lists === undefined) return isWhole;
    for (let at = 0; at < entry.lists.byteLength; at += listRowBytes) {
      const id = entry.lists.subarray(at, at + 32);
      const list = this.#find(id, 0, "meta") ? await this.#readList(id) : undefined;
      if (list === undefined || !this.#findChunks(list)) isWhole = false;
    }
    return isWhole;
  }

  #findChunks(rows: Uint8Array): boolean {
    let isWhole = true;
    for (let at = 0; at < rows.byteLength; at += chunkRowBytes) if (!this.#find(rows, at, "data")) isWhole = false;
    return isWhole;
  }

  /** Finds a place for the blob whose id begins at `ids[offset]` and notes it. @returns false: it is lost */
  #find(ids: Uint8Array, offset: number, kind: "data" | "meta"): boolean {
    const { index, segments } = this.#repository;
    const { badSegments, leavingPacks, provenPacks } = this.#damage;
    let sound = -1;
    let canSalvage = false;
    for (const { segment } of blobCopies(index, segments, ids, offset)) {
      if (badSegments.has(segment)) continue;
      if (leavingPacks.has(segments.packOf(segment).packId)) canSalvage = true;
      else if (this.#isReferenced(segment)) {
        sound = segment;
        break;
      } else if (sound < 0) sound = segment;
    }
    if (sound >= 0) {
      this.#segments.add(sound);
      if (segments.standing(sound) === "condemned") {
        const { packId } = segments.packOf(sound);
        if (!provenPacks.has(packId)) this.#doubted.add(packId);
      }
    } else if (canSalvage) {
      const id = Buffer.from(ids.buffer, ids.byteOffset + offset, 32).toString("latin1");
      this.#salvage.set(id, { kind, id });
    }
    return sound >= 0 || canSalvage;
  }

  async #readNode(nodeId: Uint8Array, level: number): Promise<TreeNode | undefined> {
    try {
      const bytes = await this.#reader?.readNode(nodeId);
      if (bytes === undefined) return undefined;
      const node = decodeTreeNode(bytes, `tree node ${nodeName(nodeId)}`);
      return node.level === level ? node : undefined;
    } catch (error) {
      return orUndefined(error);
    }
  }

  async #readList(id: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      const bytes = await this.#reader?.readNode(id);
      return bytes === undefined ? undefined : decodeChunkList(bytes, "a chunk list");
    } catch (error) {
      return orUndefined(error);
    }
  }

  #lose(path: string): void {
    this.#lostCount++;
    if (this.#lostPaths.length < namedPathsMax) this.#lostPaths.push(`${this.#prefix}/${path}`);
  }
}

function orUndefined(error: unknown): undefined {
  if (isHoldfastError(error, "corrupt", "incompatible")) return undefined;
  throw error;
}
