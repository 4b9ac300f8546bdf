import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { type ErrorDetail, HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { StoreId } from "#shared/format/ids.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import { applyEvent } from "#shared/log/apply-event.ts";
import { judgeEntry, type StoredEntry, withAttempt } from "#shared/log/fold-entry.ts";
import { emptyLogState, type LogState } from "#shared/log/log-state.ts";
import { listCheckpoints, openLog } from "#shared/log/open-log.ts";
import { type Checkpoint, isVouchedBy, readCheckpoint } from "#shared/log/read-checkpoint.ts";
import { readEntry } from "#shared/log/read-entry.ts";
import { listEntries, type LostEntry } from "#shared/operations/check/audit-log.ts";
import { checkpointKey, logKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";

/** The log as far as it can be had. */
export type SalvagedLog = {
  /** The fold of all entries that can be used. Its `lastSha256` is what the next entry must carry. */
  readonly state: LogState;
  /** Entries whose events are not in `state`. */
  readonly lost: readonly LostEntry[];
  /** Events of other entries that make no sense without those, in words. */
  readonly dropped: readonly string[];
  /** Entries that do not follow the one before: parts of another log. */
  readonly forks: readonly LostEntry[];
  /**
   * The log ends before this checkpoint, which folds more of it: `state` is that fold, and the log goes on behind it once an entry vouches for it.
   */
  readonly resumes?: Checkpoint;
  /** Whether readers can open the store as it is. */
  readonly isOpen: boolean;
  /** The checkpoint that readers begin with. */
  readonly checkpoint?: Checkpoint | undefined;
  /** Checkpoints that cannot be used, and why. */
  readonly badCheckpoints: readonly { readonly key: string; readonly reason: string }[];
};

/**
 * Folds a log that may have holes.
 *
 * What readers can open is taken as it is. Else: from the newest checkpoint that a later entry vouches for, or from the first entry, all entries
 * that can be read are applied, and those that cannot are passed over. The hash of an entry that is lost stands in the one after it; a damaged last
 * entry is taken by the hash of the bytes that are there, so that whatever it once said, the log goes on behind it.
 *
 * @throws {HoldfastError} incompatible: an entry of a newer version
 */
export async function salvageLog(store: Store, storeId: StoreId): Promise<SalvagedLog> {
  try {
    const { state, checkpoint, warnings, beyond } = await openLog({ store, storeId });
    const badCheckpoints = warnings.map(({ message, detail }) => ({ key: checkpointName(detail), reason: message }));
    if (beyond !== undefined) return resumeBehind(beyond, badCheckpoints);
    if (state.checkpoint !== undefined && checkpoint === undefined && badCheckpoints.length === 0)
      badCheckpoints.push({ key: checkpointKey(state.checkpoint.seq), reason: "it is missing" });
    return { state, checkpoint, lost: [], dropped: [], forks: [], isOpen: true, badCheckpoints };
  } catch (error) {
    if (!isHoldfastError(error, "corrupt")) throw error;
  }
  const seqs = (await listEntries(store)).map((each) => each.seq);
  const beyond = await newestBeyond(store, storeId, seqs.at(-1) ?? 0);
  if (beyond !== undefined) return resumeBehind(beyond, []);
  const from = (await newestStart(store, storeId, seqs)) ?? emptyLogState(storeId);
  return new Salvage(store, from).run(seqs.filter((seq) => seq > from.seq));
}

/** The log as a checkpoint knows it whose entries are lost, the last of them at least. */
function resumeBehind(beyond: Checkpoint, badCheckpoints: SalvagedLog["badCheckpoints"]): SalvagedLog {
  const state = beyond.fold;
  return {
    state,
    checkpoint: beyond,
    resumes: beyond,
    lost: [],
    dropped: [],
    forks: [],
    isOpen: false,
    badCheckpoints,
  };
}

/** The newest checkpoint that can be read, where it folds more than `last` entries. */
async function newestBeyond(store: Store, storeId: StoreId, last: number): Promise<Checkpoint | undefined> {
  for (const seq of (await listCheckpoints(store)).toReversed()) {
    if (seq <= last) return undefined;
    try {
      return await readCheckpoint(store, storeId, seq);
    } catch (error) {
      if (!isHoldfastError(error, "corrupt", "absent")) throw error;
    }
  }
  return undefined;
}

function checkpointName(detail: ErrorDetail): string {
  return typeof detail["checkpoint"] === "number" ? checkpointKey(detail["checkpoint"]) : "checkpoints";
}

class Salvage {
  readonly #store: Store;
  readonly #lost: LostEntry[] = [];
  readonly #dropped: string[] = [];
  readonly #forks: LostEntry[] = [];
  #state: LogState;
  /** Whether the hash of the last entry is not known, because it is lost. */
  #isBlind = false;

  constructor(store: Store, from: LogState) {
    this.#store = store;
    this.#state = from;
  }

  async run(seqs: readonly number[]): Promise<SalvagedLog> {
    const [first] = seqs;
    if (this.#state.seq > 0 && first !== undefined && first > this.#state.seq + 1) this.#isBlind = true;
    for (const seq of seqs) {
      for (let missing = this.#state.seq + 1; missing < seq; missing++) this.#lose(missing, "it is missing");
      await this.#take(seq);
    }
    const { forks, dropped, lost } = { forks: this.#forks, dropped: this.#dropped, lost: this.#lost };
    return { state: this.#state, lost, dropped, forks, isOpen: false, badCheckpoints: [] };
  }

  async #take(seq: number): Promise<void> {
    const stored = await this.#read(seq);
    if (stored === undefined) return;
    const { entry } = stored;
    if (entry.storeId !== this.#state.storeId || entry.seq !== seq) {
      this.#lose(seq, "it belongs to another store or to another place", stored.sha256);
      return;
    }
    if (!this.#isBlind && !equalBytes(entry.prev, this.#state.lastSha256)) {
      this.#forks.push({ seq, key: logKey(seq), reason: "it follows another entry than the one before it" });
    }
    this.#isBlind = false;
    this.#apply(stored);
  }

  #apply(stored: StoredEntry): void {
    const judgement = judgeEntry(this.#state, stored);
    if ("state" in judgement) {
      this.#state = judgement.state;
      return;
    }
    // Something that this entry builds on is lost: what of it makes sense all the same is taken.
    const { entry } = stored;
    const moment = { seq: entry.seq, timeMs: entry.timeMs };
    for (const event of entry.events) {
      const applied = applyEvent(this.#state, withoutUnknown(this.#state, event), moment);
      if ("state" in applied) this.#state = applied.state;
      else this.#dropped.push(`log entry ${entry.seq}, ${event.type}: ${applied.violation.reason}`);
    }
    const attempts = withAttempt(this.#state.attempts, entry.seq, entry.commitId);
    this.#state = { ...this.#state, seq: entry.seq, lastSha256: stored.sha256, attempts };
  }

  async #read(seq: number): Promise<StoredEntry | undefined> {
    try {
      return await readEntry(this.#store, seq);
    } catch (error) {
      if (!isHoldfastError(error, "corrupt", "absent")) throw error;
      if (error.kind === "absent") this.#lose(seq, "it is missing");
      else this.#lose(seq, error.message, sha256(await this.#store.get(logKey(seq))));
      return undefined;
    }
  }

  #lose(seq: number, reason: string, hash: Uint8Array = new Uint8Array(32)): void {
    this.#lost.push({ seq, key: logKey(seq), reason });
    this.#state = { ...this.#state, seq, lastSha256: hash };
    this.#isBlind = true;
  }
}

/** The event without what it says of packs and snapshots that the fold does not know, where the rest stands without it. */
function withoutUnknown(state: LogState, event: LogEvent): LogEvent {
  const isCondemned = (packId: Parameters<typeof state.condemned.has>[0]): boolean => state.condemned.has(packId);
  switch (event.type) {
    case "commit":
    case "undelete":
      return { ...event, revive: event.revive.filter(isCondemned) };
    case "revive":
      return { ...event, packs: event.packs.filter(isCondemned) };
    case "remove":
      return { ...event, snapshots: event.snapshots.filter((each) => state.snapshots.has(each)) };
    case "sweep":
      return { ...event, packs: event.packs.filter(isCondemned) };
    default:
      return event;
  }
}

/** The fold of the newest checkpoint for which an entry that can be read vouches. */
async function newestStart(store: Store, storeId: StoreId, entries: readonly number[]): Promise<LogState | undefined> {
  const checkpoints = (await listCheckpoints(store)).toReversed();
  if (checkpoints.length === 0) return undefined;
  for (const seq of checkpoints) {
    try {
      const checkpoint = await readCheckpoint(store, storeId, seq);
      for (const later of entries.filter((each) => each > seq)) {
        const mark = await vouchIn(store, later);
        if (mark !== undefined && isVouchedBy(checkpoint, mark)) return checkpoint.fold;
      }
    } catch (error) {
      if (!isHoldfastError(error, "corrupt", "absent")) throw error;
    }
  }
  return undefined;
}

async function vouchIn(store: Store, seq: number): Promise<LogState["checkpoint"]> {
  try {
    const { entry } = await readEntry(store, seq);
    return entry.events.find((event) => event.type === "checkpoint");
  } catch (error) {
    if (!isHoldfastError(error, "corrupt", "absent")) throw error;
    return undefined;
  }
}

/** The error of a log whose parts belong to different histories. */
export function forkError(fork: LostEntry): HoldfastError {
  return new HoldfastError("corrupt", `Cannot repair the log at ${fork.key}: ${fork.reason}`, {
    detail: { key: fork.key, seq: fork.seq },
    hint: "Two copies of the store went different ways, and were mixed: find out which one is the true one.",
  });
}
