import { sha256 } from "#shared/crypto/sha256.ts";
import { type CommitId, idFromBytes, idToBytes, type StateId } from "#shared/format/ids.ts";
import type { LogState, SnapshotRecord } from "./log-state.ts";

const context = Buffer.from("holdfast/v1/repaired\0", "latin1");
/** What such an id begins with, in hexadecimal: the letters "HFRP". */
const markHex = "48465250";
const seqDigits = 10;

/**
 * The commit id of the state that takes the place of a damaged one: a mark, the entry whose place it has among the snapshots, and the
 * beginning of a hash of the old id. So anyone who has the old id of a snapshot finds the new one, two repairs of one snapshot
 * cannot both be published, and the newest snapshot is still the newest after an older one was repaired.
 *
 * @see FORMAT.md, Repair
 */
export function repairedCommitId(old: Pick<SnapshotRecord, "stateId" | "commitId" | "seq">): CommitId {
  return commitIdOf(placeOf(old), hashOf(old.stateId));
}

/**
 * The commit id of the state that takes the place of one of which nothing is known but the commit id, by a copy in the packs.
 *
 * @param place - the lost entry that may have published it
 */
export function recoveredCommitId(copied: CommitId, place: number): CommitId {
  return commitIdOf(place, hashOf(copied));
}

/** Whether a snapshot is published that stands for one of which a copy with that commit id was found. */
export function isRecovered(log: Pick<LogState, "snapshotOfCommit">, copied: CommitId): boolean {
  return standInFor(log, copied) !== undefined;
}

/** The snapshot whose commit id says that it took the place of what that id names; of several the last. */
function standInFor(
  { snapshotOfCommit }: Pick<LogState, "snapshotOfCommit">,
  id: StateId | CommitId,
): StateId | undefined {
  const ending = Buffer.from(hashOf(id)).toString("hex");
  let found: StateId | undefined;
  for (const [commitId, stateId] of snapshotOfCommit)
    if (commitId.startsWith(markHex) && commitId.endsWith(ending)) found = stateId;
  return found;
}

function commitIdOf(place: number, hash: Uint8Array): CommitId {
  const bytes = Buffer.alloc(16);
  bytes.write(markHex, "hex");
  bytes.writeUIntBE(Math.min(place, 2 ** 40 - 1), 4, 5);
  bytes.set(hash, 9);
  return idFromBytes("commit", bytes);
}

/** The entry whose place a snapshot has: the one that published it, or, of a repaired one, that which published the first that it stands for. */
export function placeOf(record: Pick<SnapshotRecord, "commitId" | "seq">): number {
  if (!record.commitId.startsWith(markHex)) return record.seq;
  const place = Number.parseInt(record.commitId.slice(markHex.length, markHex.length + seqDigits), 16);
  return place > 0 && place < record.seq ? place : record.seq;
}

/** Whether a snapshot took the place of another that was damaged, or of one of which a copy was found. */
export function isRepaired({ commitId }: Pick<SnapshotRecord, "commitId">): boolean {
  return commitId.startsWith(markHex);
}

/** The live snapshots that took the place of those whose old ids begin so, with those ids. */
export function* repairedByPrefix(
  log: Pick<LogState, "snapshotOfCommit" | "snapshots" | "sweptStates">,
  prefix: string,
): Generator<{ readonly old: StateId; readonly record: SnapshotRecord }, void, undefined> {
  for (const ids of [log.snapshots.keys(), log.sweptStates.keys()]) {
    for (const old of ids) {
      if (!old.startsWith(prefix)) continue;
      const record = successorOf(log, old);
      if (record !== undefined && record.removed === undefined) yield { old, record };
    }
  }
}

/**
 * Whether a snapshot took the place of another and was replaced in turn by one that is live: by way of it the oldest id leads to the newest.
 */
export function isLinkOfRepairs(
  log: Pick<LogState, "snapshotOfCommit" | "snapshots">,
  record: SnapshotRecord,
): boolean {
  return isRepaired(record) && isReplaced(log, record);
}

/** Whether a repair put another snapshot in the place of one, and that or its successor is live. */
export function isReplaced(
  log: Pick<LogState, "snapshotOfCommit" | "snapshots">,
  { stateId }: Pick<SnapshotRecord, "stateId">,
): boolean {
  const successor = successorOf(log, stateId);
  return successor !== undefined && successor.removed === undefined;
}

/** The snapshot that took the place of `old`, and of that, and so on; undefined when none did, or it went away since. */
export function successorOf(
  log: Pick<LogState, "snapshotOfCommit" | "snapshots">,
  old: StateId,
): SnapshotRecord | undefined {
  let found: SnapshotRecord | undefined;
  for (let id: StateId | undefined = old; id !== undefined;) {
    const next = standInFor(log, id);
    if (next !== undefined) found = log.snapshots.get(next);
    id = next;
  }
  return found;
}

/** Orders snapshots from the newest to the oldest. */
export function byPlaceDescending(left: SnapshotRecord, right: SnapshotRecord): number {
  return placeOf(right) - placeOf(left) || right.seq - left.seq;
}

function hashOf(id: StateId | CommitId): Uint8Array {
  return sha256(context, idToBytes(id)).subarray(0, 7);
}
