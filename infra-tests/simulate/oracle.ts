import { sha256 } from "#shared/crypto/sha256.ts";
import { verifySignature } from "#shared/crypto/signing.ts";
import { decodeConfig } from "#shared/format/config.ts";
import type { PackId, StateId } from "#shared/format/ids.ts";
import { decodeLogEntry, type LogEvent } from "#shared/format/log-entry.ts";
import { decodeStateHead, type StateHead } from "#shared/format/state.ts";
import { foldToCheckpoint } from "#shared/log/checkpoint-fold.ts";
import { foldEntry } from "#shared/log/fold-entry.ts";
import { emptyLogState, type LogState } from "#shared/log/log-state.ts";
import { resolveRow, rowsOf } from "#shared/log/resolve-row.ts";
import {
  configKey,
  logPrefix,
  packKey,
  packsPrefix,
  seqOfKey,
  stateKey,
  statesPrefix,
} from "#shared/store/object-key.ts";
import { hashInKey } from "./hash-in-key.ts";

/** What a source held when it was backed up: the content of each path. */
export type SourceContent = ReadonlyMap<string, Uint8Array>;

type Peek = (key: string) => Uint8Array | undefined;

/**
 * Sees every change of the store at the moment in which it takes effect, and knows what must hold then. It folds the log by itself and judges
 * by a ledger of its own, not by the rules that appenders apply: so it notices where a rule is wrong or was forgotten.
 *
 * - A live snapshot needs no pack that was ever swept, none that is condemned, none that is not there; its state is there.
 * - What is live changes by `commit`, `remove` and `undelete` only.
 * - What is deleted was swept before, in an entry that is there; nothing else is ever deleted.
 * - Where the store's clock or all others can be relied on, nothing is swept before the grace period, as it was set then, is over by the time of the world: so
 *   long a removed snapshot can be brought back.
 */
export class Oracle {
  /** The fold of all entries that are there. */
  fold: LogState | undefined;
  /** What each state that was staged must restore to. */
  readonly staged = new Map<string, SourceContent>();
  readonly #violate: (broken: string) => void;
  readonly #folds: LogState[] = [];
  readonly #live = new Set<StateId>();
  readonly #sweptPacks = new Set<PackId>();
  readonly #condemned = new Set<PackId>();
  readonly #sweptStates = new Set<StateId>();
  readonly #heads = new Map<StateId, StateHead>();
  /** The entry that removed a snapshot last. */
  readonly #removedAt = new Map<StateId, number>();

  /** The time of the world at which a pack was condemned, or a snapshot removed. */
  readonly #hiddenAtMs = new Map<string, number>();
  readonly #nowMs: () => number;
  /** The grace period of the config; undefined: none is promised. */
  readonly #graceMs: number | undefined;

  constructor(
    violate: (broken: string) => void,
    options: { readonly nowMs: () => number; readonly graceMs: number | undefined },
  ) {
    this.#violate = violate;
    this.#nowMs = options.nowMs;
    this.#graceMs = options.graceMs;
  }

  /** Looks away from now on: what happens in a ruined store is judged by what is left of it. */
  retire(): void {
    this.#isRetired = true;
  }
  #isRetired = false;

  /** An object was created. */
  created(key: string, bytes: Uint8Array, peek: Peek): void {
    if (this.#isRetired) return;
    if (key === configKey) {
      this.fold = emptyLogState(decodeConfig(bytes).storeId);
      this.#folds[0] = this.fold;
    } else if (key.startsWith(logPrefix)) this.#append(key, bytes, peek);
  }

  /** An object was deleted. */
  deleted(key: string): void {
    if (this.#isRetired) return;
    const name = hashInKey(key);
    const isSwept = key.startsWith(packsPrefix)
      ? this.#sweptPacks.has(name as PackId)
      : key.startsWith(statesPrefix) && this.#sweptStates.has(name as StateId);
    if (!isSwept && !key.startsWith("checkpoints/")) this.#violate(`${key} was deleted and was not swept`);
  }

  /** Somebody was told that his snapshot is published. */
  acknowledged(stateId: string, seq: number): void {
    if (this.#isRetired) return;
    const record = this.#folds[seq]?.snapshots.get(stateId as StateId);
    if (record === undefined || record.seq !== seq)
      this.#violate(`snapshot ${stateId} was acknowledged at entry ${seq}, and is not there`);
  }

  /** Somebody folded the log: it must be what everybody folds. */
  folded(state: LogState): void {
    if (this.#isRetired) return;
    const known = this.#folds[state.seq];
    if (known === undefined) this.#violate(`a reader folded to entry ${state.seq}, which is not there`);
    else if (describeFold(known) !== describeFold(state)) this.#violate(`two readers disagree on entry ${state.seq}`);
  }

  /** Whether a snapshot was live in entry `seq` and has been since. */
  isLiveSince(stateId: string, seq: number): boolean {
    return this.#live.has(stateId as StateId) && (this.#removedAt.get(stateId as StateId) ?? 0) <= seq;
  }

  /** Ids of the live snapshots. */
  get live(): ReadonlySet<StateId> {
    return this.#live;
  }

  /** The packs that live snapshots need. */
  needed(peek: Peek): Set<string> {
    const needed = new Set<string>();
    for (const stateId of this.#live) for (const packId of this.#needs(stateId, peek)) needed.add(packId);
    return needed;
  }

  /** Whether a live snapshot was removed before: then an `undelete` is what it lives by. */
  wasRemoved(stateId: StateId): boolean {
    return this.#removedAt.has(stateId);
  }

  /** The packs that one live snapshot needs. */
  neededBy(stateId: StateId, peek: Peek): ReadonlySet<string> {
    return this.#needs(stateId, peek);
  }

  /** Packs that were swept, and states. */
  get swept(): { readonly packs: ReadonlySet<string>; readonly states: ReadonlySet<string> } {
    return { packs: this.#sweptPacks, states: this.#sweptStates };
  }

  #append(key: string, bytes: Uint8Array, peek: Peek): void {
    if (this.fold === undefined) return;
    const seq = seqOfKey(key);
    try {
      const entry = decodeLogEntry(bytes, key, verifySignature);
      for (const event of entry.events) if (event.type === "sweep") this.#judgeGrace(event, this.fold);
      this.fold = foldEntry(this.fold, { entry, sha256: sha256(bytes) });
      this.#folds[seq] = this.fold;
      for (const event of entry.events) this.#apply(event, seq);
      const harmless = entry.events.every((each) => each.type === "commit" || each.type === "checkpoint");
      const judged = harmless
        ? entry.events.flatMap((each) => (each.type === "commit" ? [each.stateId] : []))
        : [...this.#live];
      for (const stateId of judged) this.#judge(stateId, peek);
      this.#compareLive();
    } catch (error) {
      this.#violate(`entry ${seq} does not fold: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #apply(event: LogEvent, seq: number): void {
    switch (event.type) {
      case "commit":
        this.#live.add(event.stateId);
        for (const packId of event.revive) this.#condemned.delete(packId);
        break;
      case "remove":
        for (const stateId of event.snapshots) {
          this.#hiddenAtMs.set(stateId, this.#nowMs());
          this.#live.delete(stateId);
          this.#removedAt.set(stateId, seq);
        }
        break;
      case "undelete":
        for (const stateId of event.snapshots) this.#live.add(stateId);
        for (const packId of event.revive) this.#condemned.delete(packId);
        break;
      case "condemn":
        for (const packId of event.packs) {
          this.#hiddenAtMs.set(packId, this.#nowMs());
          this.#condemned.add(packId);
        }
        break;
      case "revive":
        for (const packId of event.packs) this.#condemned.delete(packId);
        break;
      case "sweep":
        for (const packId of event.packs) {
          this.#condemned.delete(packId);
          this.#sweptPacks.add(packId);
        }
        for (const stateId of event.states) this.#sweptStates.add(stateId);
        break;
      default:
        break;
    }
  }

  /** An entry is judged by the fold before it. */
  #judgeGrace(event: Extract<LogEvent, { type: "sweep" }>, before: LogState): void {
    if (this.#graceMs === undefined) return;
    const graceMs = before.graceMs ?? this.#graceMs;
    for (const id of [...event.packs, ...event.states]) {
      const ageMs = this.#nowMs() - (this.#hiddenAtMs.get(id) ?? Number.NEGATIVE_INFINITY);
      if (ageMs < graceMs)
        this.#violate(`${id} is swept before its grace period is over, after ${ageMs} of ${graceMs} ms`);
    }
  }

  #judge(stateId: StateId, peek: Peek): void {
    if (this.#sweptStates.has(stateId)) this.#violate(`the state of live snapshot ${stateId} was swept`);
    if (peek(stateKey(stateId)) === undefined) return this.#violate(`live snapshot ${stateId} has lost its state`);
    for (const packId of this.#needs(stateId, peek)) {
      const what = this.#sweptPacks.has(packId)
        ? "was swept"
        : this.#condemned.has(packId)
          ? "is condemned"
          : peek(packKey(packId)) === undefined
            ? "is gone"
            : undefined;
      if (what !== undefined) this.#violate(`live snapshot ${stateId} needs pack ${packId}, which ${what}`);
    }
  }

  #needs(stateId: StateId, peek: Peek): Set<PackId> {
    const packs = new Set<PackId>();
    const head = this.#head(stateId, peek);
    if (head === undefined || this.fold === undefined) return packs;
    for (const { packId, segments } of head.references) {
      for (const row of rowsOf(segments)) packs.add(resolveRow(this.fold, packId, row).packId);
    }
    return packs;
  }

  #head(stateId: StateId, peek: Peek): StateHead | undefined {
    const known = this.#heads.get(stateId);
    if (known !== undefined) return known;
    const bytes = peek(stateKey(stateId));
    const record = this.fold?.snapshots.get(stateId);
    if (bytes === undefined || record === undefined) return undefined;
    const head = decodeStateHead(bytes.slice(0, record.headBytes), stateKey(stateId), verifySignature);
    this.#heads.set(stateId, head);
    return head;
  }

  #compareLive(): void {
    if (this.fold === undefined) return;
    let live = 0;
    for (const { stateId, removed } of this.fold.snapshots.values()) {
      if (removed !== undefined) continue;
      live++;
      if (!this.#live.has(stateId)) this.#violate(`snapshot ${stateId} came back without being asked for`);
    }
    if (live !== this.#live.size)
      this.#violate(`a snapshot disappears without being removed at entry ${this.fold.seq}`);
  }
}

/** All that a fold says, as text: the same for all that are equal, for their maps are in the order of ids. */
function describeFold(state: LogState): string {
  return JSON.stringify(foldToCheckpoint(state), (_key, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
  );
}
