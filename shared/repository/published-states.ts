import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { SealedHeader } from "#shared/format/checkpoint-headers.ts";
import type { PartState } from "#shared/format/checkpoint-part.ts";
import type { ListedPart } from "#shared/format/checkpoint-parts.ts";
import type { StateId, StoreId } from "#shared/format/ids.ts";
import type { StateHead, StatePack } from "#shared/format/state.ts";
import type { Checkpoint } from "#shared/log/read-checkpoint.ts";
import { type PlacedPartState, readCheckpointPart, readPartSections } from "#shared/log/read-checkpoint-part.ts";
import type { Store } from "#shared/store/store.ts";
import { type PublishedState, readStateHead, readStateSection } from "./read-state.ts";

/** What of a checkpoint helps with states. */
export type CheckpointedStates = Pick<Checkpoint, "headers" | "parts">;

/** What an index is made of: a state's packs and sessions, and what proves its index section. */
export type StateContents = Omit<PartState, "stateId">;

/**
 * The published states of a store, each read from the checkpoint where that tells of it, else from its own object. What a checkpoint
 * says wrongly or cannot say is read from the state: it saves requests, and is never needed.
 *
 * Memory: what the heads of the checkpoint's parts say, and the index sections of one part (16 MiB as programs write them).
 */
export class PublishedStates {
  readonly #store: Store;
  readonly #storeId: StoreId;
  #checkpoint: CheckpointedStates | undefined;
  #inParts: Promise<InParts> | undefined;
  readonly #ownHeaders = new Map<StateId, SealedHeader>();
  #sections: { readonly part: ListedPart; readonly bytes: Promise<Uint8Array> } | undefined;
  readonly #onWarning: ((error: HoldfastError) => void) | undefined;
  readonly #warned = new Set<string>();

  constructor(options: {
    readonly store: Store;
    readonly storeId: StoreId;
    readonly checkpoint?: CheckpointedStates | undefined;
    /** Is told what of the checkpoint could not be used, once each, so that more requests were needed. */
    readonly onWarning?: ((error: HoldfastError) => void) | undefined;
  }) {
    this.#store = options.store;
    this.#storeId = options.storeId;
    this.#checkpoint = options.checkpoint;
    this.#onWarning = options.onWarning;
  }

  /** What helps with states of a later fold of the same log, too. */
  get checkpoint(): CheckpointedStates | undefined {
    return this.#checkpoint;
  }

  /** From now on all is read from the states themselves: for those who check them. */
  ignoreCheckpoint(): void {
    this.#checkpoint = undefined;
    this.#inParts = undefined;
    this.#sections = undefined;
  }

  /** The whole head of a state, from its own object. @throws {HoldfastError} corrupt: it cannot be read */
  async head(record: PublishedState): Promise<StateHead> {
    const head = await readStateHead(this.#store, this.#storeId, record);
    this.#learn(record, head);
    return head;
  }

  /** Whether a checkpoint told of a snapshot's header. */
  isCheckpointed(stateId: StateId): boolean {
    return this.#checkpoint?.headers.has(stateId) === true;
  }

  /** As `header`, from the state itself. @throws {HoldfastError} corrupt */
  async ownHeader(record: PublishedState): Promise<SealedHeader> {
    const { stateId } = record;
    if (!this.#ownHeaders.has(stateId)) await this.head(record);
    const learnt = this.#ownHeaders.get(stateId);
    if (learnt !== undefined) return learnt;
    throw new HoldfastError(
      "corrupt",
      `Cannot read the header of snapshot ${stateId}: its state does not have the session that sealed it`,
    );
  }

  /** The sealed header of a snapshot and the session that opens it. @throws {HoldfastError} corrupt: its state cannot be read */
  async header(record: PublishedState): Promise<SealedHeader> {
    return this.#checkpoint?.headers.get(record.stateId) ?? this.ownHeader(record);
  }

  /** What a state added. @throws {HoldfastError} corrupt: it cannot be read */
  async contents(record: PublishedState): Promise<StateContents> {
    const placed = await this.#placed(record);
    return placed?.state ?? (await this.head(record));
  }

  /** The sealed index section of a state; it matches the checksum in `contents`. @throws {HoldfastError} corrupt: it cannot be read */
  async section(record: PublishedState, contents: StateContents): Promise<Uint8Array> {
    const placed = await this.#placed(record);
    if (placed !== undefined && placed.state.indexBytes > 0) {
      const { part, state } = placed;
      try {
        const sections = await this.#sectionsOf(part);
        const from = state.sectionOffset - part.headBytes;
        const section = sections.subarray(from, from + state.indexBytes);
        if (equalBytes(sha256(section), contents.indexSha256)) return section.slice();
      } catch (error) {
        this.#warn(error);
      }
    }
    return readStateSection(this.#store, record, contents);
  }

  /** Packs that relocations placed, as far as the checkpoint tells of them. */
  async placedPacks(): Promise<readonly StatePack[]> {
    if (this.#checkpoint === undefined) return [];
    this.#inParts ??= this.#readParts(this.#checkpoint.parts);
    return (await this.#inParts).placed;
  }

  /** Gives back what was kept for reading contents and sections; to read more costs requests. */
  release(): void {
    this.#inParts = undefined;
    this.#sections = undefined;
  }

  /** Gives back the index sections that were kept for reading the next ones. */
  releaseSections(): void {
    this.#sections = undefined;
  }

  async #placed(record: PublishedState): Promise<PlacedState | undefined> {
    if (this.#checkpoint === undefined) return undefined;
    this.#inParts ??= this.#readParts(this.#checkpoint.parts);
    const placed = (await this.#inParts).states.get(record.stateId);
    // The log says how long the index is: what disagrees with it is not used.
    return placed?.state.indexBytes === record.stateBytes - record.headBytes ? placed : undefined;
  }

  async #readParts(parts: readonly ListedPart[]): Promise<InParts> {
    const states = new Map<StateId, PlacedState>();
    const placed: StatePack[] = [];
    const heads = await Promise.allSettled(parts.map((part) => readCheckpointPart(this.#store, this.#storeId, part)));
    for (const [index, head] of heads.entries()) {
      const part = parts[index];
      if (part === undefined) continue;
      if (head.status === "rejected") this.#warn(head.reason);
      else {
        for (const [stateId, state] of head.value.states) states.set(stateId, { part, state });
        placed.push(...head.value.placed);
      }
    }
    return { states, placed };
  }

  #sectionsOf(part: ListedPart): Promise<Uint8Array> {
    if (this.#sections?.part !== part) {
      this.#sections = { part, bytes: readPartSections(this.#store, part) };
      this.#sections.bytes.catch(() => undefined); // met by whoever asked
    }
    return this.#sections.bytes;
  }

  #learn(record: PublishedState, head: StateHead): void {
    const session = head.sessions.find((each) => equalBytes(each.sessionId, head.snapshotSession));
    if (session === undefined) return;
    const { stateId } = record;
    this.#ownHeaders.set(stateId, { stateId, session, sealedSnapshot: head.sealedSnapshot });
  }

  #warn(error: unknown): void {
    if (!isHoldfastError(error, "absent", "corrupt", "incompatible")) throw error;
    if (this.#warned.has(error.message)) return;
    this.#warned.add(error.message);
    this.#onWarning?.(error);
  }
}

type PlacedState = { readonly part: ListedPart; readonly state: PlacedPartState };
/** What the parts of a checkpoint tell. */
type InParts = { readonly states: ReadonlyMap<StateId, PlacedState>; readonly placed: readonly StatePack[] };
