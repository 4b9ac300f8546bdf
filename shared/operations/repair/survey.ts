import { isHoldfastError } from "#shared/errors.ts";
import { type CommitId, type PackId, parseId, type StateId } from "#shared/format/ids.ts";
import type { SnapshotCopy } from "#shared/format/snapshot-copy.ts";
import { frameHeaderBytes } from "#shared/format/frame.ts";
import { type StateHead, stateHeadLength } from "#shared/format/state.ts";
import { inParallel } from "#shared/log/in-parallel.ts";
import type { LogState, SnapshotRecord } from "#shared/log/log-state.ts";
import { resolvePacks } from "#shared/log/resolve-row.ts";
import { readPacks } from "#shared/operations/check/read-packs.ts";
import { joinStateIndex } from "#shared/repository/join-state-index.ts";
import { openStateSection, readStateHead, readStateSection } from "#shared/repository/read-state.ts";
import type { Repository } from "#shared/repository/repository.ts";
import type { KnownPack } from "#shared/repository/segment-table.ts";
import { packsPrefix, sha256HexOfKey, stateHexOfKey, statesPrefix } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { claimedMetaPacks, findCopies } from "./find-copies.ts";
import { packsMarkedByRepair, type RepairMark } from "#shared/log/repair-marks.ts";
import { repairedCommitId } from "#shared/log/repaired-commit-id.ts";
import { lookForPacks } from "./look-for-packs.ts";
import type { Damage } from "./need-walk.ts";
import { indexRowsOfPacks } from "#shared/repository/index-rows-of-packs.ts";
import { type PackContents, readPackContents } from "#shared/repository/read-pack-contents.ts";

/** Objects read at once. */
const inFlight = 8;

/** A state that is in the store and that no entry of the log publishes. */
export type UnpublishedState = {
  readonly stateId: StateId;
  readonly head: StateHead;
  readonly headBytes: number;
  readonly stateBytes: number;
  /** Whether every pack that it refers to is there. What another adds counts as loose. */
  readonly isWhole: boolean;
};

/** What is in a store, and what is wrong with it. */
export type Survey = Damage & {
  /** Published states whose objects are whole. */
  readonly wholeStates: ReadonlySet<StateId>;
  /** Published states whose objects are not, and why. */
  readonly brokenStates: ReadonlyMap<StateId, string>;
  /** States that no entry publishes; read only where entries are lost. */
  readonly unpublished: readonly UnpublishedState[];
  /** Sizes of the packs that are there. */
  readonly packSizes: ReadonlyMap<PackId, number>;
  /** Packs that states tell of, that were not swept, and that neither the listing has nor a look at their name found. */
  readonly missingPacks: ReadonlySet<PackId>;
  /** Condemned packs that an earlier repair found missing or damaged, and why. */
  readonly markedPacks: ReadonlyMap<PackId, RepairMark>;
  /** Packs that no whole state adds, by what they say of themselves; read only where something is lost. */
  readonly loosePacks: ReadonlyMap<PackId, PackContents>;
  /** Packs in which live snapshots with whole states read segments of which no whole state tells what is in them. */
  readonly homelessPacks: readonly PackId[];
  /** Loose packs that cannot be read. */
  readonly unreadablePacks: ReadonlyMap<PackId, string>;
  /** Snapshot copies in loose packs. */
  readonly copies: ReadonlyMap<CommitId, SnapshotCopy>;
};

/** The entry with which a log went on behind lost ones, and its time. */
export type RecoveryMoment = { readonly seq: number; readonly timeMs: number };

/** How to look at a store. */
export type SurveyOptions = {
  readonly repository: Repository;
  /** Where parts of the log are lost, so that it does not tell of all states: when that was. Only what was made before can be missing. */
  readonly before: RecoveryMoment | undefined;
  /** Whether all content is read, and not only packs of an odd size. */
  readonly read: boolean;
  readonly threads: number;
  readonly signal: AbortSignal | undefined;
};

/** Looks at states and packs, and adds to the repository's index what loose packs hold. Reads only. */
export async function surveyStore(options: SurveyOptions): Promise<Survey> {
  const { repository, before } = options;
  await repository.loadIndex();
  const { wholeStates, brokenStates, claimed, referenced } = await readStates(repository);
  const packSizes = await listPacks(repository);
  // A repair that died may have staged states that are to take the place of others: they are made again.
  const planned = new Set<CommitId>();
  for (const stateId of brokenStates.keys()) {
    const record = repository.log.snapshots.get(stateId);
    if (record !== undefined) planned.add(repairedCommitId(record));
  }
  const unpublished =
    before === undefined ? [] : await readUnpublished(repository, { claimed, before, planned, packSizes });
  const loosePacks = new Map<PackId, PackContents>();
  const unreadablePacks = new Map<PackId, string>();
  const { placed, swept } = repository.log;
  const untold = untoldPlacedPacks(repository.log, claimed);
  const isHomeless = (packId: PackId): boolean =>
    !claimed.has(packId) && !swept.has(packId) && (!placed.has(packId) || untold.has(packId));
  const homelessPacks = [...referenced].filter(isHomeless);
  if (before !== undefined || homelessPacks.length > 0 || brokenStates.size > 0) {
    const loose = [...packSizes].filter(([packId]) => !claimed.has(packId) && !repository.log.swept.has(packId));
    await inParallel(loose, inFlight, async ([packId, sizeBytes]) => {
      try {
        loosePacks.set(packId, await readPackContents(repository, packId, sizeBytes));
      } catch (error) {
        if (!isHoldfastError(error, "corrupt", "absent")) throw error;
        unreadablePacks.set(packId, error.message);
      }
    });
    addToIndex(repository, loosePacks.values());
  }
  const missingPacks = await findMissing(repository, packSizes);
  const markedPacks = await packsMarkedByRepair(repository.store, repository.log);
  const damage = await provePacks(options, packSizes, { unreadable: unreadablePacks, marked: markedPacks });
  const copies = await findCopies(repository, loosePacks.values());
  const isMissing = (stateId: StateId): boolean => {
    const record = repository.log.snapshots.get(stateId);
    return record !== undefined && record.removed === undefined && !copies.has(record.commitId);
  };
  // A state that a repair made may have taken in the packs of several.
  if (before !== undefined || [...brokenStates.keys()].some(isMissing)) {
    for (const [commitId, copy] of await findCopies(repository, claimedMetaPacks(repository, packSizes, loosePacks)))
      copies.set(commitId, copy);
  }
  return {
    ...damage,
    wholeStates,
    brokenStates,
    unpublished,
    packSizes,
    missingPacks,
    markedPacks,
    homelessPacks,
    loosePacks,
    unreadablePacks,
    copies,
  };
}

/** Reads all published states; `claimed` are the packs that whole ones add, `referenced` those in which whole ones of live snapshots have segments now. */
async function readStates(repository: Repository): Promise<{
  readonly wholeStates: ReadonlySet<StateId>;
  readonly brokenStates: ReadonlyMap<StateId, string>;
  readonly claimed: Set<PackId>;
  readonly referenced: ReadonlySet<PackId>;
}> {
  const { store, storeIdBytes, config } = repository;
  const indexKey = repository.requireKey("indexKey");
  const wholeStates = new Set<StateId>();
  const claimed = new Set<PackId>();
  const referenced = new Set<PackId>();
  const brokenStates = new Map<StateId, string>();
  const read = async (record: SnapshotRecord): Promise<void> => {
    try {
      const head = await readStateHead(store, config.storeId, record);
      const section = await readStateSection(store, record, head);
      openStateSection(section, record.stateId, { packs: head.packs, indexKey, storeIdBytes });
      wholeStates.add(record.stateId);
      for (const { packId } of head.packs) claimed.add(packId);
      if (record.removed === undefined)
        for (const packId of resolvePacks(repository.log, head.references)) referenced.add(packId);
    } catch (error) {
      if (!isHoldfastError(error, "corrupt", "absent")) throw error;
      brokenStates.set(record.stateId, error.message);
    }
  };
  await inParallel([...repository.log.snapshots.values()], inFlight, read);
  return { wholeStates, brokenStates, claimed, referenced };
}

/**
 * Packs that relocations placed, with segments that come from packs which no whole state adds: what blobs those hold, only the state told that
 * added the first of those packs.
 */
function untoldPlacedPacks(
  { relocated }: Pick<LogState, "relocated">,
  claimed: ReadonlySet<PackId>,
): ReadonlySet<PackId> {
  const untold = new Set<PackId>();
  // Also those that were emptied again and swept, which the fold does not call placed any more.
  const targets = new Set<PackId>();
  for (const { runs } of relocated.values()) for (const { packId } of runs) targets.add(packId);
  for (let before = -1; before !== untold.size;) {
    before = untold.size;
    for (const [origin, { runs }] of relocated) {
      if (claimed.has(origin) || (targets.has(origin) && !untold.has(origin))) continue;
      for (const { packId } of runs) untold.add(packId);
    }
  }
  return untold;
}

async function listPacks(repository: Repository): Promise<Map<PackId, number>> {
  const sizes = new Map<PackId, number>();
  for await (const { key, sizeBytes } of repository.store.list(packsPrefix)) {
    const name = sha256HexOfKey(key);
    if (name !== undefined) sizes.set(parseId("pack", name), sizeBytes);
  }
  return sizes;
}

/**
 * States that the log does not tell of, whose objects are whole, and that refer only to packs which they, each other or published states add; the
 * packs of those that can be published as they are go to `claimed`.
 */
async function readUnpublished(
  repository: Repository,
  options: {
    readonly claimed: Set<PackId>;
    readonly before: RecoveryMoment;
    readonly planned: ReadonlySet<CommitId>;
    readonly packSizes: ReadonlyMap<PackId, number>;
  },
): Promise<UnpublishedState[]> {
  const { claimed, before, planned, packSizes } = options;
  const { store, storeIdBytes, config, log } = repository;
  const indexKey = repository.requireKey("indexKey");
  let found: (UnpublishedState & { readonly rows: Uint8Array })[] = [];
  for await (const { key, sizeBytes } of store.list(statesPrefix)) {
    const name = stateHexOfKey(key);
    if (name === undefined) continue;
    const stateId = parseId("state", name);
    if (log.snapshots.has(stateId) || log.sweptStates.has(stateId)) continue;
    try {
      const record = { stateId, headBytes: await headLengthOf(store, key), stateBytes: sizeBytes };
      const head = await readStateHead(store, config.storeId, record);
      if (planned.has(head.commitId) || head.baseSeq >= before.seq || head.createdMs > before.timeMs) continue;
      const section = await readStateSection(store, record, head);
      found.push({
        ...record,
        head,
        isWhole: head.references.every(({ packId }) => packSizes.has(packId) || log.relocated.has(packId)),
        rows: openStateSection(section, stateId, { packs: head.packs, indexKey, storeIdBytes }),
      });
    } catch (error) {
      if (!isHoldfastError(error, "corrupt", "incompatible", "absent")) throw error;
    }
  }
  for (let count = -1; count !== found.length;) {
    count = found.length;
    const added = new Set(found.flatMap(({ head }) => head.packs.map((each) => each.packId)));
    found = found.filter(({ head }) =>
      head.references.every(({ packId }) =>
        [claimed, added, log.relocated, log.placed].some((each) => each.has(packId)),
      ),
    );
  }
  const { segments, sessionKeys, index } = repository;
  for (const { head, rows, isWhole } of found) {
    for (const session of head.sessions) sessionKeys.addEnvelope(session);
    if (!isWhole) continue;
    for (const pack of head.packs) {
      segments.addPack(pack);
      claimed.add(pack.packId);
    }
    index.addRun(joinStateIndex(rows, head, segments));
  }
  return found
    .map(({ rows: _rows, ...state }) => state)
    .sort((left, right) => left.head.baseSeq - right.head.baseSeq || left.head.createdMs - right.head.createdMs);
}

async function headLengthOf(store: Store, key: string): Promise<number> {
  return stateHeadLength(await store.get(key, { offsetBytes: 0, lengthBytes: frameHeaderBytes }), key);
}

function addToIndex(repository: Repository, loose: Iterable<PackContents>): void {
  const { segments, index, sessionKeys } = repository;
  for (const { pack, sessions, directories } of loose) {
    for (const session of sessions) sessionKeys.addEnvelope(session);
    const { firstSegment } = segments.addPack(pack);
    index.addRun(indexRowsOfPacks([{ directories, firstSegment }]));
  }
  index.settle();
}

/**
 * The packs that states tell of and that are not there: a listing that left one out is not believed without a look at its name.
 *
 * @param packSizes - sizes that the listing told; those of packs that it left out are added
 */
async function findMissing(repository: Repository, packSizes: Map<PackId, number>): Promise<Set<PackId>> {
  const { store, segments, log } = repository;
  const unlisted = segments.packs
    .map((each) => each.packId)
    .filter((packId) => !log.swept.has(packId) && !packSizes.has(packId));
  const { found, absent } = await lookForPacks(store, unlisted);
  for (const [packId, sizeBytes] of found) packSizes.set(packId, sizeBytes);
  return absent;
}

/** Finds packs that are missing or damaged, and which of their segments are. Reads those that an earlier repair condemned and that are there. */
async function provePacks(
  options: SurveyOptions,
  packSizes: ReadonlyMap<PackId, number>,
  { unreadable, marked }: { readonly unreadable: ReadonlyMap<PackId, string>; readonly marked: Survey["markedPacks"] },
): Promise<Damage> {
  const { segments, log } = options.repository;
  const badSegments = new Set<number>();
  const leavingPacks = new Map<PackId, string>();
  const toRead: KnownPack[] = [];
  for (const pack of segments.packs) {
    const { packId, firstSegment, segmentCount } = pack;
    if (log.swept.has(packId)) continue;
    const sizeBytes = packSizes.get(packId);
    if (sizeBytes === undefined) {
      leavingPacks.set(packId, "it is missing");
      for (let row = 0; row < segmentCount; row++) badSegments.add(firstSegment + row);
    } else if (sizeBytes !== pack.sizeBytes) {
      leavingPacks.set(packId, `it has ${sizeBytes} bytes instead of ${pack.sizeBytes}`);
      toRead.push(pack);
    } else if (options.read || unreadable.has(packId) || marked.has(packId)) toRead.push(pack);
  }
  return withProved(options, { badSegments, leavingPacks, provenPacks: new Set() }, toRead);
}

/** What is wrong, once some more packs were read. */
export async function withProved(
  { repository, threads, signal }: Pick<SurveyOptions, "repository" | "threads" | "signal">,
  known: Damage,
  packs: readonly KnownPack[],
): Promise<Damage> {
  const badSegments = new Set(known.badSegments);
  const leavingPacks = new Map(known.leavingPacks);
  const provenPacks = new Set([...known.provenPacks, ...packs.map((each) => each.packId)]);
  if (packs.length > 0) {
    await readPacks(repository, packs, {
      threads,
      signal,
      findings: {
        damaged: (pack, message, ordinals) => {
          if (!leavingPacks.has(pack.packId)) leavingPacks.set(pack.packId, message);
          for (const ordinal of ordinals) badSegments.add(ordinal);
        },
        unread: (_pack, error) => {
          throw error;
        },
        swept: () => undefined,
        verified: () => undefined,
        fetched: () => undefined,
      },
    });
  }
  return { badSegments, leavingPacks, provenPacks };
}
