import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { verifySignature } from "#shared/crypto/signing.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { encodeHeadersSection, headersSectionName, type SealedHeader } from "#shared/format/checkpoint-headers.ts";
import { encodePartsSection, type ListedPart, partsSectionName } from "#shared/format/checkpoint-parts.ts";
import type { PartState } from "#shared/format/checkpoint-part.ts";
import {
  type CheckpointHead,
  checkpointHeadPieces,
  checkpointSection,
  encodeCheckpointHead,
} from "#shared/format/checkpoint.ts";
import { encodeFoldSection, foldSectionName } from "#shared/format/fold-section.ts";
import type { PackId, StateId } from "#shared/format/ids.ts";
import { readCheckpointedHead } from "#shared/format/read-checkpointed-head.ts";
import { stateIdOf } from "#shared/format/state.ts";
import { checkpointKey, checkpointPartKey, stateKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { appendEntry, type Appender } from "./append-entry.ts";
import { foldToCheckpoint } from "./checkpoint-fold.ts";
import { inParallel } from "./in-parallel.ts";
import type { LogState, SnapshotRecord } from "./log-state.ts";
import { PartBuilder, partStateBytes } from "./part-builder.ts";
import { type Checkpoint, isVouchedBy, readCheckpoint } from "./read-checkpoint.ts";
import { readLog } from "./read-log.ts";
import { readPlacedPacks } from "./read-placed-packs.ts";
import { checkCheckpoint } from "./rules/check-checkpoint.ts";
import { stopIfAborted } from "./stop-if-aborted.ts";
import { violationError } from "./violation.ts";

/** Options of `writeCheckpoint`. */
export type WriteCheckpointOptions = {
  /** The checkpoint that the log was opened with, where it is at hand; else the vouched one is read. */
  readonly previous?: Checkpoint;
  /** States that are read to be taken in, at most; the earliest first. The rest waits for the next checkpoint. Default: all. */
  readonly statesMax?: number;
  /** Bytes from which a part is put. */
  readonly partBytes?: number;
  /** True: makes sure that all parts are there, and packs them anew where half of what they hold is of no use any more. */
  readonly isThorough?: boolean;
};

/** What came of `writeCheckpoint`. */
export type WrittenCheckpoint = {
  /** The newest log that is known. */
  readonly state: LogState;
  /** The entries that the checkpoint folds; undefined where none was needed, or where others were first. */
  readonly seq: number | undefined;
  /** States that it tells of, and those that it leaves out: too large, too many at once, or unreadable. */
  readonly covered: number;
  readonly leftOut: number;
  /** States that could not be read. */
  readonly problems: readonly { readonly stateId: StateId; readonly error: HoldfastError }[];
  /** Bytes that were stored. */
  readonly storedBytes: number;
};

/** Bytes from which a part is put, by default: what a reader gets in one request. */
const defaultPartBytes = 16 * 1024 * 1024;
/** Larger states stand in no part: whoever needs one reads it. */
const stateBytesMax = 8 * 1024 * 1024;
const inFlightStates = 8;
/** Decoding takes ten times the bytes of a head. Larger heads are left out: whoever needs one reads it. */
const headBytesMax = 16 * 1024 * 1024;
/** Bytes of heads that are decoded at once, unless one alone has more. */
const headBytesAtOnce = 4 * 1024 * 1024;
/** What a placed pack takes in a part, about: a table of a hundred rows. */
const usualPlacedBytes = 5600;

/**
 * Writes `checkpoints/<seq>` of the log as it is now, and vouches for it in the log. Needs no key. Nothing is deleted.
 *
 * A checkpoint is an accelerator: that it cannot be written is no reason for anything else to fail. Order: states are read, parts put,
 * then the checkpoint, which is read back; then its entry. Whoever dies in between leaves objects that nobody looks at. Where the
 * newest checkpoint folds all entries but its own, nothing is written.
 *
 * Parts are merged as in a log-structured tree: one is read and put again with what is newer while it is no more than twice as large. So n states
 * lie in O(log n) parts, or in as many as their bytes make, and each is put again O(log n) times.
 *
 * @throws {HoldfastError} as `appendEntry`; conflict: there is another object at that number
 */
export async function writeCheckpoint(
  appender: Appender,
  options: WriteCheckpointOptions = {},
): Promise<WrittenCheckpoint> {
  const { store, signal } = appender;
  const { partBytes = defaultPartBytes, statesMax = Infinity, isThorough = false } = options;
  const { atLeast, ...rest } = appender;
  const state = await readLog({
    store,
    from: appender.from,
    ...(signal === undefined ? {} : { signal }),
    ...(atLeast === undefined ? {} : { atLeast }),
  });
  const previous = await readPrevious(store, state, options.previous);
  const areWhole = previous !== undefined && (!isThorough || (await partsAreThere(store, previous)));
  if (state.seq <= (state.checkpoint?.seq ?? 0) + 1 && areWhole) return nothingWritten(state, previous);
  if (state.seq === 0) return nothingWritten(state, previous);

  const gathered = await gather(
    { ...options, store, state, signal, partBytes, statesMax, isThorough },
    areWhole ? previous : undefined,
  );
  const written = await putCheckpoint(appender, state, gathered);
  const appended = await appendEntry({ ...rest, from: state }, (current) => {
    if (current.checkpoint !== undefined && current.checkpoint.seq >= state.seq) return [];
    const event = { type: "checkpoint", seq: state.seq, sha256: written.sha256 } as const;
    const facts = { head: written.head, sha256: written.sha256, entrySha256: state.lastSha256 };
    const found = checkCheckpoint(current, event, facts);
    if (found !== undefined) throw violationError(`Cannot vouch for checkpoint ${state.seq}`, found);
    return [event];
  });
  return {
    state: appended.state,
    seq: appended.appended ? state.seq : undefined,
    covered: gathered.headers.length,
    leftOut: state.snapshots.size - gathered.headers.length,
    problems: gathered.problems,
    storedBytes: gathered.storedBytes + written.storedBytes,
  };
}

type Gathered = {
  readonly headers: readonly SealedHeader[];
  readonly parts: readonly ListedPart[];
  readonly problems: { stateId: StateId; error: HoldfastError }[];
  readonly storedBytes: number;
};

/** What the new checkpoint says of states: what the one before says of those that are still published, and what new ones say themselves. */
async function gather(
  options: {
    readonly store: Store;
    readonly state: LogState;
    readonly signal: AbortSignal | undefined;
    readonly partBytes: number;
    readonly statesMax: number;
    readonly isThorough: boolean;
  },
  previous: Checkpoint | undefined,
): Promise<Gathered> {
  const { store, state, signal, partBytes, statesMax, isThorough } = options;
  const isKept = (stateId: StateId): boolean => state.snapshots.has(stateId);
  const headers = previous === undefined ? [] : [...previous.headers.values()].filter((each) => isKept(each.stateId));
  const known = new Set(headers.map((each) => each.stateId));
  const unknown = [...state.snapshots.values()]
    .filter((record) => !known.has(record.stateId) && record.headBytes <= headBytesMax)
    .sort((left, right) => left.seq - right.seq)
    .slice(0, statesMax);

  const parts = [...(previous?.parts ?? [])];
  const inParts = parts.reduce((sum, each) => sum + each.states + each.placed, 0);
  const isStale = isThorough && inParts > 2 * (known.size + state.placed.size) + 64;
  // What its parts lack for want of something that could be read, readers look for themselves. Those of older programs have none at all.
  const placedUpTo = parts.some((each) => each.placed > 0) ? (previous?.seq ?? 0) : 0;
  const isNewlyPlaced = (_packId: PackId, seq: number): boolean => seq > placedUpTo;
  let newlyPlaced = 0;
  for (const seq of state.placed.values()) if (seq > placedUpTo) newlyPlaced++;
  const merged: ListedPart[] = [];
  const newBytes = unknown.reduce((sum, each) => sum + each.stateBytes, newlyPlaced * usualPlacedBytes);
  for (let bytes = newBytes; ;) {
    const last = parts.at(-1);
    if (last === undefined) break;
    const isWorthIt = newBytes > 0 && last.bytes <= 2 * bytes && last.bytes + bytes <= partBytes;
    if (!isStale && !isWorthIt) break;
    merged.unshift(last);
    parts.pop();
    bytes += last.bytes;
  }

  const builder = new PartBuilder({ store, storeId: state.storeId, partBytes });
  const problems: { stateId: StateId; error: HoldfastError }[] = [];
  for (const listed of merged) {
    stopIfAborted(signal);
    await builder.addPart(listed, state).catch((error: unknown) => {
      if (!isHoldfastError(error, "absent", "corrupt", "incompatible")) throw error;
      parts.push(listed); // it is for a thorough run to find out what to do about it
    });
  }
  for (let from = 0; from < unknown.length;) {
    stopIfAborted(signal);
    const batch = firstOf(unknown, from);
    from += batch.length;
    const read = new Map<StateId, WholeState>();
    await inParallel(batch, inFlightStates, async (record) => {
      try {
        read.set(record.stateId, await readWholeState(store, state, record));
      } catch (error) {
        if (!isHoldfastError(error, "absent", "corrupt", "incompatible")) throw error;
        problems.push({ stateId: record.stateId, error });
      }
    });
    for (const record of batch) {
      const whole = read.get(record.stateId);
      if (whole?.header !== undefined) headers.push(whole.header);
      if (whole?.section !== undefined) await builder.add(whole.state, whole.section);
    }
  }
  if (newlyPlaced > 0) {
    await readPlacedPacks({
      store,
      log: state,
      isMeant: isNewlyPlaced,
      use: (pack) => builder.addPlaced(pack),
      ...(signal === undefined ? {} : { signal }),
    });
  }
  return { headers, parts: [...parts, ...(await builder.finish())], problems, storedBytes: builder.putBytes };
}

/** The records from `from` on whose states may be in memory at once. */
function firstOf(records: readonly SnapshotRecord[], from: number): readonly SnapshotRecord[] {
  let to = from;
  for (let bytes = 0; to < records.length && to - from < inFlightStates; to++) {
    bytes += records[to]?.headBytes ?? 0;
    if (to > from && bytes > headBytesAtOnce) break;
  }
  return records.slice(from, to);
}

type WholeState = {
  /** Without the rest of the head: what a snapshot references may be many times as large. */
  readonly state: PartState;
  readonly header: SealedHeader;
  /** Undefined: the state is too large for a part. */
  readonly section: Uint8Array | undefined;
};

async function readWholeState(store: Store, { storeId }: LogState, record: SnapshotRecord): Promise<WholeState> {
  const fail = (reason: string): never => {
    throw new HoldfastError("corrupt", `Cannot use ${stateKey(record.stateId)}: ${reason}`);
  };
  const headBytes = await store.get(stateKey(record.stateId), { offsetBytes: 0, lengthBytes: record.headBytes });
  if (stateIdOf(headBytes) !== record.stateId) fail("its bytes are not those that its name promises");
  const options = { subject: `state ${record.stateId}`, storeId, verify: verifySignature };
  const head = readCheckpointedHead(headBytes, options);
  const { stateId } = record;
  const session =
    head.sessions.find((each) => equalBytes(each.sessionId, head.snapshotSession)) ??
    fail("it does not have the session of its own header");
  if (head.indexBytes !== record.stateBytes - record.headBytes) fail("its index has another length than the log says");
  const header = { stateId, session, sealedSnapshot: head.sealedSnapshot };
  const { packs, sessions, indexBytes, indexSha256 } = head;
  const part = { stateId, packs, sessions, indexBytes, indexSha256 };
  if (partStateBytes(part) > stateBytesMax) return { state: part, header, section: undefined };
  if (head.indexBytes === 0) return { state: part, header, section: new Uint8Array(0) };
  const section = await store.get(stateKey(stateId), { offsetBytes: record.headBytes, lengthBytes: head.indexBytes });
  if (!equalBytes(sha256(section), head.indexSha256)) fail("its index does not match its checksum");
  return { state: part, header, section };
}

/** Puts the checkpoint of `state`, and reads back what is there. */
async function putCheckpoint(
  { store, signer, clock }: Appender,
  state: LogState,
  { headers, parts }: Gathered,
): Promise<{ readonly head: CheckpointHead; readonly sha256: Uint8Array; readonly storedBytes: number }> {
  const fold = foldToCheckpoint(state);
  const sections = [
    [foldSectionName, encodeFoldSection(fold.section)],
    [headersSectionName, encodeHeadersSection(headers)],
    [partsSectionName, encodePartsSection(parts)],
  ] as const;
  const described = sections.map(([name, content]) => checkpointSection(name, [content]));
  const about = { timeMs: Math.max(0, Math.floor(clock.nowMs())), author: signer.publicKey };
  const put = async (): Promise<{ readonly ours: Uint8Array; readonly storedBytes: number }> => {
    const pieces = checkpointHeadPieces({ ...fold, ...about, sections: described }, (message) => signer.sign(message));
    const object = [...pieces, ...sections.map(([, content]) => content)];
    try {
      await store.put(checkpointKey(state.seq), object);
    } catch (error) {
      if (!isHoldfastError(error, "conflict")) throw error;
      return { ours: sha256(...pieces), storedBytes: 0 };
    }
    return { ours: sha256(...pieces), storedBytes: object.reduce((sum, each) => sum + each.byteLength, 0) };
  };
  const { ours, storedBytes } = await put();
  const found = await readCheckpoint(store, state.storeId, state.seq);
  const isOurs = equalBytes(found.sha256, ours) || saysTheSame(found.head, { ...fold, sections: described });
  if (isOurs) return { head: found.head, sha256: found.sha256, storedBytes };
  throw new HoldfastError(
    "conflict",
    `Cannot write checkpoint ${state.seq}: there is another one, for which nobody vouches`,
    {
      detail: { key: checkpointKey(state.seq) },
      hint: "The next maintenance that finds a new entry in the log writes one at another number.",
    },
  );
}

/** Whether two heads differ in author and time only: both are then what an honest writer would have put. */
function saysTheSame(head: CheckpointHead, other: Omit<CheckpointHead, "author" | "timeMs">): boolean {
  return equalBytes(withoutAuthor(head), withoutAuthor(other));
}

function withoutAuthor(head: Omit<CheckpointHead, "author" | "timeMs">): Uint8Array {
  return encodeCheckpointHead({ ...head, timeMs: 0, author: new Uint8Array(32) }, () => new Uint8Array(64));
}

/** The checkpoint that the log vouches for, if it can be used. */
async function readPrevious(
  store: Store,
  state: LogState,
  known: Checkpoint | undefined,
): Promise<Checkpoint | undefined> {
  if (state.checkpoint === undefined) return undefined;
  if (known !== undefined && isVouchedBy(known, state.checkpoint)) return known;
  try {
    const read = await readCheckpoint(store, state.storeId, state.checkpoint.seq);
    return isVouchedBy(read, state.checkpoint) ? read : undefined;
  } catch (error) {
    if (!isHoldfastError(error, "absent", "corrupt", "incompatible")) throw error;
    return undefined;
  }
}

async function partsAreThere(store: Store, { parts }: Checkpoint): Promise<boolean> {
  let areThere = true;
  await inParallel(parts, inFlightStates, async ({ sha256: id, bytes }) => {
    try {
      const stat = await store.head(checkpointPartKey(encodeHex(id)));
      if (stat.sizeBytes !== bytes) areThere = false;
    } catch (error) {
      if (!isHoldfastError(error, "absent")) throw error;
      areThere = false;
    }
  });
  return areThere;
}

function nothingWritten(state: LogState, previous: Checkpoint | undefined): WrittenCheckpoint {
  const covered = previous?.headers.size ?? 0;
  return { state, seq: undefined, covered, leftOut: state.snapshots.size - covered, problems: [], storedBytes: 0 };
}
