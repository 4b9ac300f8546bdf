import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { isHoldfastError } from "#shared/errors.ts";
import {
  checkpointPartId,
  checkpointPartPieces,
  encodePartPack,
  encodePartState,
  type PartState,
} from "#shared/format/checkpoint-part.ts";
import type { ListedPart } from "#shared/format/checkpoint-parts.ts";
import type { StoreId } from "#shared/format/ids.ts";
import { packTableRowBytes } from "#shared/format/pack.ts";
import type { StatePack } from "#shared/format/state.ts";
import { checkpointPartKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import type { LogState } from "./log-state.ts";
import { readCheckpointPart, readPartSections } from "./read-checkpoint-part.ts";

/**
 * Gathers states into parts of checkpoints and puts them. Memory: one part, of `partBytes` and one state at most, and the part that is read
 * to be merged.
 */
export class PartBuilder {
  readonly #store: Store;
  readonly #storeId: StoreId;
  readonly #partBytes: number;
  readonly #parts: ListedPart[] = [];
  /** Encoded: most of a decoded state is small objects. */
  #states: Uint8Array[] = [];
  #placed: Uint8Array[] = [];
  #sections: Uint8Array[] = [];
  #bytes = 0;
  #putBytes = 0;

  constructor(options: { readonly store: Store; readonly storeId: StoreId; readonly partBytes: number }) {
    this.#store = options.store;
    this.#storeId = options.storeId;
    this.#partBytes = options.partBytes;
  }

  /** Bytes put so far. */
  get putBytes(): number {
    return this.#putBytes;
  }

  /** Adds a state with its index section. */
  async add(state: PartState, section: Uint8Array): Promise<void> {
    this.#states.push(encodePartState(state));
    this.#sections.push(section);
    this.#bytes += partStateBytes(state);
    if (this.#bytes >= this.#partBytes) await this.#flush();
  }

  /** Adds a pack that a relocation placed. */
  async addPlaced(pack: StatePack): Promise<void> {
    this.#placed.push(encodePartPack(pack));
    this.#bytes += placedPackBytes(pack);
    if (this.#bytes >= this.#partBytes) await this.#flush();
  }

  /**
   * Adds what is in a part that is there, but for states and packs that are not kept. Of a state whose section does not match its checksum nothing is taken.
   *
   * @throws {HoldfastError} absent, corrupt or incompatible: the part cannot be read; nothing of it was added
   */
  async addPart(listed: ListedPart, kept: Pick<LogState, "snapshots" | "placed">): Promise<void> {
    const { states, placed } = await readCheckpointPart(this.#store, this.#storeId, listed);
    const sections = await readPartSections(this.#store, listed);
    for (const pack of placed) if (kept.placed.has(pack.packId)) await this.addPlaced(pack);
    for (const { sectionOffset, ...state } of states.values()) {
      if (!kept.snapshots.has(state.stateId)) continue;
      const from = sectionOffset - listed.headBytes;
      const section = sections.subarray(from, from + state.indexBytes);
      if (equalBytes(sha256(section), state.indexSha256)) await this.add(state, section);
    }
  }

  /** Puts what is left. @returns all parts, in the order in which their states came */
  async finish(): Promise<readonly ListedPart[]> {
    await this.#flush();
    return this.#parts;
  }

  async #flush(): Promise<void> {
    const [states, placed, sections] = [this.#states, this.#placed, this.#sections];
    if (states.length + placed.length === 0) return;
    // Others may add while this is put.
    [this.#states, this.#placed, this.#sections, this.#bytes] = [[], [], [], 0];
    const head = checkpointPartPieces(this.#storeId, states, placed);
    const id = checkpointPartId(head);
    const headBytes = sumOf(head);
    const bytes = headBytes + sumOf(sections);
    try {
      await this.#store.put(checkpointPartKey(encodeHex(id)), [...head, ...sections]);
      this.#putBytes += bytes;
    } catch (error) {
      if (!isHoldfastError(error, "conflict")) throw error; // the same states: somebody else's part is as good
    }
    this.#parts.push({ sha256: id, headBytes, bytes, states: states.length, placed: placed.length });
  }
}

function sumOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, each) => sum + each.byteLength, 0);
}

/** About how many bytes a placed pack takes in a part. */
export function placedPackBytes({ table }: Pick<StatePack, "table">): number {
  return table.byteLength + 80;
}

/** About how many bytes a state takes in a part. */
export function partStateBytes(state: PartState): number {
  const packs = state.packs.reduce((sum, pack) => sum + pack.table.byteLength + packTableRowBytes, 0);
  return packs + state.sessions.length * 128 + state.indexBytes + 128;
}
