import { sha256 } from "#shared/crypto/sha256.ts";
import { type CommitId, idFromBytes, type PackId, parseId, type StateId } from "#shared/format/ids.ts";
import { encodePackTable, packHeaderBytes, packSessionRowBytes, packTrailerBytes } from "#shared/format/pack.ts";
import type { PackReference, StateHead, StatePack } from "#shared/format/state.ts";

/** A pack of the model: its rows hold one content each, named by a letter. */
export type ModelPack = StatePack & { readonly name: string; readonly contents: string };

/** A state of the model, with the snapshot that it shows when it is published. */
export type ModelHead = Pick<StateHead, "storeId" | "commitId" | "baseSeq"> & {
  readonly name: string;
  readonly stateId: StateId;
  readonly packs: readonly ModelPack[];
  readonly references: readonly PackReference[];
  /** The contents that the snapshot consists of. */
  readonly wants: string;
};

/** The store of the model. */
export const modelStoreId = parseId("store", "00".repeat(16));

/** The packs and states that the model has made, by name and by id: equal names are equal objects. */
export class ModelStore {
  readonly #packs = new Map<string, ModelPack>();
  readonly #heads = new Map<string, ModelHead>();

  /** A pack of that name; its rows are the letters of `contents`. */
  pack(name: string, contents: string): ModelPack {
    const known = this.#packs.get(name);
    if (known !== undefined) return known;
    const rows = contents.length;
    const table = encodePackTable(
      Array.from(contents, (content, row) => ({
        segmentId: new Uint8Array(24).fill(content.charCodeAt(0)),
        sessionId: new Uint8Array(16).fill(1),
        segmentOffset: packHeaderBytes + row * 10,
        segmentBytes: 10,
        directoryOffset: packHeaderBytes + rows * 10 + row * 5,
        directoryBytes: 5,
      })),
    );
    const sizeBytes = packHeaderBytes + rows * 15 + packSessionRowBytes + table.byteLength + packTrailerBytes;
    const pack: ModelPack = { packId: namedId("pack", name), kind: "data", sizeBytes, table, name, contents };
    this.#packs.set(name, pack).set(pack.packId, pack);
    return pack;
  }

  /** A state of that name. */
  head(
    name: string,
    make: () => Pick<ModelHead, "packs" | "references" | "wants" | "baseSeq"> & { readonly commit?: string },
  ): ModelHead {
    const known = this.#heads.get(name);
    if (known !== undefined) return known;
    const { commit = name, ...rest } = make();
    const stateId = namedId("state", name);
    const head = { ...rest, name, stateId, storeId: modelStoreId, commitId: namedId("commit", commit) };
    this.#heads.set(name, head).set(stateId, head);
    return head;
  }

  /** The name of a pack or state. */
  nameOf(id: string): string {
    return this.#packs.get(id)?.name ?? this.headOf(id).name;
  }

  /** The pack by its name or id. */
  packOf(id: string): ModelPack {
    const pack = this.#packs.get(id);
    if (pack === undefined) throw new Error(`the model has no pack ${id}`);
    return pack;
  }

  /** The state by its name or id. */
  headOf(id: string): ModelHead {
    const head = this.#heads.get(id);
    if (head === undefined) throw new Error(`the model has no state ${id}`);
    return head;
  }
}

/** A bitmap of rows. */
export function bitmap(rows: readonly number[]): Uint8Array {
  return Uint8Array.of(rows.reduce((bits, row) => bits | (1 << row), 0));
}

/** An id that follows from a name. */
export function namedId<Kind extends "pack" | "state" | "commit">(
  kind: Kind,
  name: string,
): { pack: PackId; state: StateId; commit: CommitId }[Kind] {
  const bytes = sha256(Buffer.from(`${kind} ${name}`));
  return {
    pack: idFromBytes("pack", bytes),
    state: idFromBytes("state", bytes),
    commit: idFromBytes("commit", bytes.subarray(0, 16)),
  }[kind];
}
