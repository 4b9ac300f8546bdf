import { verifySignature } from "#shared/crypto/signing.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { type PackId, parseId, type StateId } from "#shared/format/ids.ts";
import { scanStateHead } from "#shared/format/scan-state-head.ts";
import { stateIdOf } from "#shared/format/state.ts";
import { inParallel } from "#shared/log/in-parallel.ts";
import type { LogState, SnapshotRecord } from "#shared/log/log-state.ts";
import { NeededPacks } from "#shared/log/needed-packs.ts";
import { readLog } from "#shared/log/read-log.ts";
import type { RepairMark } from "#shared/log/repair-marks.ts";
import { isReplaced } from "#shared/log/repaired-commit-id.ts";
import { stopIfAborted } from "#shared/log/stop-if-aborted.ts";
import { packsPrefix, stateKey, statesPrefix } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import type { Progress } from "#shared/operations/progress.ts";
import { packFlags, PackLedger } from "./pack-ledger.ts";

/** A state whose head could not be read. */
export type UnreadableState = { readonly stateId: StateId; readonly error: HoldfastError };

/** A state of the listing that the log does not name. */
export type UnpublishedState = {
  readonly stateId: StateId;
  readonly sizeBytes: number;
  readonly modifiedMs: number | undefined;
};

/** What a store holds and what of it is needed, as seen without any key. */
export type Survey = {
  /** The fold that it was made by. */
  readonly state: LogState;
  /** What live snapshots reference. */
  readonly needed: NeededPacks;
  /**
   * What snapshots reference that a repair replaced by live ones, and that need packs which it found missing or damaged: should those come back, another
   * repair makes them whole of this.
   */
  readonly held: NeededPacks;
  readonly packs: PackLedger;
  /** Rows in `packs` of what each removed snapshot's state adds. */
  readonly packsOfRemoved: ReadonlyMap<StateId, Uint32Array>;
  /** Live snapshots whose needs are not known: nothing may be condemned. */
  readonly unreadable: readonly UnreadableState[];
  /** Removed ones: their states cannot be swept. */
  readonly unreadableRemoved: readonly UnreadableState[];
  readonly unpublished: readonly UnpublishedState[];
  /** Swept states that are still there, and their bytes. */
  readonly sweptStates: readonly { readonly stateId: StateId; readonly sizeBytes: number }[];
  readonly requests: { readonly gets: number; readonly listedKeys: number };
};

/** Heads in flight at most. */
const headsAtOnce = 16;
/** Their bytes at most, unless one alone has more. */
const headBytesAtOnce = 48 * 1024 * 1024;
/** From so many packs on, the folders of packs are listed one by one, several at once: a listing is pages, one after the other. */
const manyPacks = 50_000;
const listingsAtOnce = 16;
/** States that may fail for want of an answer before the store counts as unavailable. */
const unansweredMax = 3;

/**
 * Looks at everything that decides what a store must keep: the heads of all published states, then the listings of packs and states.
 * In this order every pack that a published state of `state` names was there before it is looked for.
 *
 * Memory: about 150 bytes a pack, whatever the number of snapshots; heads are read a few at a time and not kept.
 *
 * @param options.state - the newest fold of the log
 * @throws {HoldfastError} unavailable, denied: the store cannot be listed, or several states gave no answer
 */
export async function surveyStore(options: {
  readonly store: Store;
  readonly state: LogState;
  /** Condemned packs that repairs found missing or damaged. */
  readonly marked?: ReadonlyMap<PackId, RepairMark>;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}): Promise<Survey> {
  const { store, state, marked = new Map<PackId, RepairMark>(), progress, signal } = options;
  const needed = new NeededPacks();
  const held = new NeededPacks();
  const packs = new PackLedger();
  const packsOfRemoved = new Map<StateId, Uint32Array>();
  const unreadable: UnreadableState[] = [];
  const unreadableRemoved: UnreadableState[] = [];
  progress.phase = "reading states";
  progress.entriesTotal = state.snapshots.size;
  for (const [packId] of state.placed)
    packs.mark(packs.hold(packs.ids.addId(packId)), packFlags.added | packFlags.used);
  for (const packId of state.condemned.keys()) packs.hold(packs.ids.addId(packId));
  const gets = await readHeads(
    store,
    [...state.snapshots.values()],
    {
      visit(record, bytes) {
        const isLive = record.removed === undefined;
        const rows: number[] = [];
        scanStateHead(bytes, headOptions(state, record), {
          pack: (all, idAt, _sizeBytes, segments) => {
            const row = packs.hold(packs.ids.add(all, idAt));
            packs.addSegments(row, segments);
            if (!isLive) rows.push(row);
          },
          reference: isLive
            ? (all, idAt, at, lengthBytes) => needed.addReference(all, idAt, all, at, lengthBytes)
            : (all, idAt) => packs.mark(packs.hold(packs.ids.add(all, idAt)), packFlags.used),
        });
        if (isLive) needed.cover(record.stateId);
        else if (marked.size > 0 && isReplaced(state, record)) holdReplaced(held, { state, record, bytes, marked });
        if (!isLive) packsOfRemoved.set(record.stateId, Uint32Array.from(rows));
        progress.entriesDone++;
      },
      fail: ({ stateId, removed }, error) =>
        void (removed === undefined ? unreadable : unreadableRemoved).push({ stateId, error }),
    },
    signal,
  );
  const isSwept = await sweptMeanwhile({ store, state, failures: [...unreadable, ...unreadableRemoved], signal });
  progress.phase = "listing packs";
  let listedKeys = 0;
  await inParallel(packFolders(packs.size), listingsAtOnce, async (folder) => {
    for await (const { key, sizeBytes, modifiedMs } of store.list(folder)) {
      if ((++listedKeys & 1023) === 0) stopIfAborted(signal);
      const packId = idOfKey("pack", key);
      if (packId !== undefined) packs.list(packs.hold(packs.ids.addId(packId)), sizeBytes, modifiedMs);
    }
  });
  progress.phase = "listing states";
  const unpublished: UnpublishedState[] = [];
  const sweptStates: { stateId: StateId; sizeBytes: number }[] = [];
  for await (const { key, sizeBytes, modifiedMs } of store.list(statesPrefix)) {
    if ((++listedKeys & 1023) === 0) stopIfAborted(signal);
    const stateId = idOfKey("state", key);
    if (stateId === undefined || state.snapshots.has(stateId)) continue;
    if (state.sweptStates.has(stateId)) sweptStates.push({ stateId, sizeBytes });
    else unpublished.push({ stateId, sizeBytes, modifiedMs });
  }
  return {
    state,
    needed,
    held,
    packs,
    packsOfRemoved,
    unreadable: unreadable.filter((each) => !isSwept(each)),
    unreadableRemoved: unreadableRemoved.filter((each) => !isSwept(each)),
    unpublished,
    sweptStates,
    requests: { gets, listedKeys },
  };
}

/** Adds what a replaced snapshot references to `held`, if it needs one of the packs that repairs found missing or damaged. */
function holdReplaced(
  held: NeededPacks,
  options: {
    readonly state: LogState;
    readonly record: SnapshotRecord;
    readonly bytes: Uint8Array;
    readonly marked: ReadonlyMap<PackId, RepairMark>;
  },
): void {
  const { state, record, bytes, marked } = options;
  const addTo = (packs: NeededPacks): void => {
    scanStateHead(bytes, headOptions(state, record), {
      reference: (all, idAt, at, lengthBytes) => packs.addReference(all, idAt, all, at, lengthBytes),
    });
    packs.cover(record.stateId);
  };
  const own = new NeededPacks();
  addTo(own);
  const { isNeeded } = own.facts(state);
  for (const packId of marked.keys()) {
    if (!isNeeded(packId)) continue;
    addTo(held);
    return;
  }
}

/** Tells which of the states that are not there were swept by another maintenance since `state` was folded: nothing is wrong with those. */
async function sweptMeanwhile(options: {
  readonly store: Store;
  readonly state: LogState;
  readonly failures: readonly UnreadableState[];
  readonly signal: AbortSignal | undefined;
}): Promise<(failure: UnreadableState) => boolean> {
  const { store, state, failures, signal } = options;
  if (!failures.some(({ error }) => error.kind === "absent")) return () => false;
  const { sweptStates } = await readLog({ store, from: state, ...(signal === undefined ? {} : { signal }) });
  return ({ stateId }) => sweptStates.has(stateId);
}

/**
 * Adds to `needed` the live snapshots of a newer fold that it does not cover yet.
 *
 * @throws {HoldfastError} whatever kept a head from being read
 */
export async function coverLive(options: {
  readonly store: Store;
  readonly state: LogState;
  readonly needed: NeededPacks;
  readonly signal?: AbortSignal;
}): Promise<void> {
  const { store, state, needed, signal } = options;
  const records = uncovered(state, needed);
  await readHeads(
    store,
    records,
    {
      visit(record, bytes) {
        scanStateHead(bytes, headOptions(state, record), {
          reference: (all, idAt, at, lengthBytes) => needed.addReference(all, idAt, all, at, lengthBytes),
        });
        needed.cover(record.stateId);
      },
      fail(_record, error) {
        throw error;
      },
    },
    signal,
  );
}

/** The live snapshots that `needed` does not cover. */
export function uncovered(state: LogState, needed: NeededPacks): SnapshotRecord[] {
  const records: SnapshotRecord[] = [];
  for (const record of state.snapshots.values())
    if (record.removed === undefined && !needed.covers(record.stateId)) records.push(record);
  return records;
}

async function readHeads(
  store: Store,
  records: readonly SnapshotRecord[],
  use: {
    readonly visit: (record: SnapshotRecord, bytes: Uint8Array) => void;
    readonly fail: (record: SnapshotRecord, error: HoldfastError) => void;
  },
  signal: AbortSignal | undefined,
): Promise<number> {
  const inOrder = records.toSorted((left, right) => left.seq - right.seq);
  let unanswered = 0;
  for (let from = 0; from < inOrder.length;) {
    stopIfAborted(signal);
    let to = from;
    for (let bytes = 0; to < inOrder.length && to - from < headsAtOnce; to++) {
      bytes += inOrder[to]?.headBytes ?? 0;
      if (to > from && bytes > headBytesAtOnce) break;
    }
    const batch = inOrder.slice(from, to);
    const read = async (record: SnapshotRecord): Promise<void> => {
      try {
        use.visit(record, await headBytes(store, record));
      } catch (error) {
        if (!isHoldfastError(error, "absent", "corrupt", "incompatible", "denied", "unavailable")) throw error;
        if (error.kind === "unavailable" && ++unanswered > unansweredMax) throw error;
        use.fail(record, error);
      }
    };
    const results = await Promise.allSettled(batch.map(read));
    for (const result of results) if (result.status === "rejected") throw result.reason;
    from = to;
  }
  return inOrder.length;
}

async function headBytes(store: Store, { stateId, headBytes: lengthBytes }: SnapshotRecord): Promise<Uint8Array> {
  const key = stateKey(stateId);
  const bytes = await store.get(key, { offsetBytes: 0, lengthBytes });
  if (stateIdOf(bytes) === stateId) return bytes;
  throw new HoldfastError("corrupt", `Cannot read ${key}: its bytes are not those that its name promises`, {
    detail: { key },
  });
}

/** What to list to see all packs, when there are about so many. */
function packFolders(packs: number): readonly string[] {
  if (packs < manyPacks) return [packsPrefix];
  return Array.from({ length: 256 }, (_, byte) => `${packsPrefix}${byte.toString(16).padStart(2, "0")}/`);
}

function headOptions({ storeId }: LogState, { stateId }: SnapshotRecord) {
  return { subject: `state ${stateId}`, storeId, verify: verifySignature };
}

/** The id that the last part of a key is; undefined for whatever else lies there. */
function idOfKey<Kind extends "pack" | "state">(kind: Kind, key: string) {
  const hex = key.slice(key.lastIndexOf("/") + 1);
  const folder = kind === "pack" ? packsPrefix : statesPrefix;
  if (!/^[0-9a-f]{64}$/.test(hex) || key !== `${folder}${hex.slice(0, 2)}/${hex}`) return undefined;
  return parseId(kind, hex);
}
