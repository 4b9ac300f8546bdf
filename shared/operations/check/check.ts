import type { PackId } from "#shared/format/ids.ts";
import type { PackReference } from "#shared/format/state.ts";
import { successorOf } from "#shared/log/repaired-commit-id.ts";
import { packKey, packsPrefix, sha256HexOfKey, stateKey } from "#shared/store/object-key.ts";
import { resolvePacks } from "#shared/log/resolve-row.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { newProgress, type Progress, type Reporter } from "#shared/operations/progress.ts";
import { damagedKeySlots } from "#shared/repository/key-slots.ts";
import type { Repository } from "#shared/repository/repository.ts";
import type { KnownPack } from "#shared/repository/segment-table.ts";
import { liveRecords, readSnapshot } from "#shared/snapshot/read-snapshot.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";
import { auditLog, type LostEntry } from "./audit-log.ts";
import { readPacks } from "./read-packs.ts";
import { type CheckedSnapshot, TreeCheck } from "./check-tree.ts";
import { findOrphans, noOrphans } from "./find-orphans.ts";
import { findRecovery } from "./find-recovery.ts";

/** What to check. */
export type CheckOptions = {
  readonly repository: Repository;
  /** Snapshots to check; undefined: all that are not removed, and all packs. */
  readonly snapshots: readonly SnapshotRecord[] | undefined;
  /** Share of the packs whose content is read and verified, 0 to 100. */
  readonly readPercent: number;
  readonly threads: number;
  readonly reporter: Reporter;
  readonly signal?: AbortSignal;
};

/** Times that a check looks for packs that relocations brought while it was at work. */
const roundsMax = 8;

/** What a check found. */
export type CheckReport = {
  readonly snapshots: number;
  readonly packs: number;
  readonly packsRead: number;
  readonly blobsVerified: number;
  readonly bytesVerified: number;
  readonly fetchedBytes: number;
  /** Objects of the store that are damaged or missing. */
  readonly damagedObjects: readonly string[];
  /** Paths of snapshots that cannot be restored whole; counted once for each snapshot. */
  readonly damagedFiles: number;
  /** Snapshots that can be restored whole, but only from copies that other snapshots refer to. */
  readonly rescuedSnapshots: number;
  /** Things that could not be verified. */
  readonly unverified: number;
  /** Condemned packs that a live snapshot needs: nothing is lost yet, and is once their grace period is over. */
  readonly condemnedPacks: readonly PackId[];
  /** Packs in the store of which no published state and no relocation tells, and their size. No harm: maintenance collects them. */
  readonly orphanPacks: number;
  readonly orphanBytes: number;
  /** States in the store that no entry of the log published. */
  readonly orphanStates: number;
  /** Objects that were swept and are still there. */
  readonly sweptObjects: number;
  /**
   * Entries of the log that are missing or damaged: nothing is lost yet, for a checkpoint says what they said. Those are left out behind which a
   * repair went on.
   */
  readonly lostEntries: readonly string[];
  readonly durationMs: number;
};

/**
 * Verifies a store: the log was verified when the repository was opened; here states, packs, trees, that every chunk of every file
 * is there, that no live snapshot needs what is condemned or swept, and as much content as is asked for. Damage is reported with the object that
 * has it and the files concerned.
 *
 * Commits and maintenance may go on meanwhile: what is missing because it was moved or swept is no damage.
 */
export async function check(options: CheckOptions): Promise<CheckReport> {
  const progress = newProgress("check", "reading states");
  options.reporter.start(progress);
  return new Check(options, progress).run();
}

class Check {
  readonly #options: CheckOptions;
  readonly #repository: Repository;
  readonly #reporter: Reporter;
  readonly #progress: Progress;
  readonly #damagedObjects = new Set<string>();
  /** Segments that cannot be read, and why. */
  readonly #badSegments = new Map<number, string>();
  #blobs = 0;
  #bytes = 0;
  #fetched = 0;
  #unverified = 0;
  #packsRead = 0;
  readonly #condemned = new Set<PackId>();
  /** What each snapshot that is checked refers to. */
  readonly #references: { readonly record: SnapshotRecord; readonly references: readonly PackReference[] }[] = [];

  constructor(options: CheckOptions, progress: Progress) {
    this.#options = options;
    this.#repository = options.repository;
    this.#reporter = options.reporter;
    this.#progress = progress;
  }

  async run(): Promise<CheckReport> {
    const { clock } = this.#repository;
    const startedMs = clock.nowMs();
    this.#repository.states.ignoreCheckpoint(); // it is the states that are checked
    // Chosen before the index is read, which may fold what came since: it does not tell of snapshots that are newer.
    const records = this.#options.snapshots ?? liveRecords(this.#repository);
    await this.#repository.loadIndex();
    for (const { stateId, error } of this.#repository.problems)
      if (successorOf(this.#repository.log, stateId) === undefined) this.#damaged(stateKey(stateId), error.message);
    if (this.#options.snapshots === undefined) await this.#checkKeySlots();
    const lostEntries = this.#options.snapshots === undefined ? await this.#auditLog() : [];
    const snapshots = await this.#openSnapshots(records);
    this.#checkNeeds();
    const checked = new Set<KnownPack>();
    let sizes: ReadonlyMap<string, number> = new Map();
    for (let round = 0; round < roundsMax; round++) {
      const packs = this.#packsToCheck().filter((pack) => !checked.has(pack));
      if (round > 0 && packs.length === 0) break;
      for (const pack of packs) checked.add(pack);
      sizes = await this.#checkSizes(packs);
      await this.#readContent(packs);
    }
    const orphans =
      this.#options.snapshots === undefined ? await findOrphans(this.#repository, sizes, this.#reporter) : noOrphans;
    this.#progress.phase = "walking snapshots";
    const trees = new TreeCheck({
      repository: this.#repository,
      badSegments: this.#badSegments,
      reporter: this.#reporter,
      progress: this.#progress,
      signal: this.#options.signal,
    });
    let walked = 0;
    for (const snapshot of snapshots) {
      if (!this.#isRemovedMeanwhile(snapshot) && (await trees.checkSnapshot(snapshot))) walked++;
      else this.#tellRemoved(snapshot);
    }
    return {
      snapshots: walked,
      packs: checked.size,
      packsRead: this.#packsRead,
      blobsVerified: this.#blobs,
      bytesVerified: this.#bytes,
      fetchedBytes: this.#fetched,
      damagedObjects: [...this.#damagedObjects],
      damagedFiles: trees.damagedFiles,
      rescuedSnapshots: trees.rescuedSnapshots,
      unverified: this.#unverified,
      condemnedPacks: [...this.#condemned],
      ...orphans,
      lostEntries,
      durationMs: Math.max(0, clock.nowMs() - startedMs),
    };
  }

  async #checkKeySlots(): Promise<void> {
    const { store, config, configSha256 } = this.#repository;
    for (const { key, message } of await damagedKeySlots({ store, storeId: config.storeId, configSha256 }))
      this.#damaged(key, message);
  }

  /**
   * Looks for entries that a checkpoint stands in for and that are not as they were. All others were verified when the log was folded: without those
   * the store would not have been opened. Those that a repair knows to be lost stay lost, and are no news.
   */
  async #auditLog(): Promise<readonly string[]> {
    const { store, log, config } = this.#repository;
    const read = this.#options.readPercent >= 100;
    const lost = await auditLog(store, { storeId: config.storeId, seq: log.seq }, { read });
    const [oldest] = lost;
    const recovery = oldest === undefined ? undefined : await findRecovery(store, oldest.seq, log.seq);
    const isKnown = ({ seq }: LostEntry): boolean => recovery !== undefined && seq < recovery;
    for (const each of lost) {
      const { key, reason } = each;
      const message = isKnown(each)
        ? `${key}: The log cannot be read here: ${reason}. Log entry ${recovery}, of a repair, went on behind it.`
        : `${key}: The log cannot be read here: ${reason}. Only a checkpoint says what it said: bring it back from a copy of the store, if there is one.`;
      this.#reporter.notice({ level: isKnown(each) ? "info" : "warning", message });
    }
    return lost.filter((each) => !isKnown(each)).map((each) => each.key);
  }

  /** Whether a snapshot was removed since it was chosen: what it needs may be swept then. */
  #isRemovedMeanwhile({ record }: CheckedSnapshot): boolean {
    if (record.removed !== undefined) return false;
    const now = this.#repository.log.snapshots.get(record.stateId);
    return now === undefined || now.removed !== undefined;
  }

  #tellRemoved({ id }: CheckedSnapshot): void {
    const message = `Snapshot ${id.slice(0, 12)} was removed while it was to be checked: it is passed over.`;
    this.#reporter.notice({ level: "warning", message });
  }

  /**
   * Reads what the snapshots refer to, and opens their headers; with a key that may not, only the structure of the store can be verified. Those
   * that are removed and swept meanwhile are passed over.
   */
  async #openSnapshots(records: readonly SnapshotRecord[]): Promise<CheckedSnapshot[]> {
    const snapshots: CheckedSnapshot[] = [];
    const isOwner = this.#repository.keys.role === "owner";
    if (!isOwner) {
      this.#reporter.notice({
        level: "warning",
        message: "Only hashes are verified: this key may not read what other sessions stored.",
      });
      this.#unverified += records.length;
    }
    for (const record of records) {
      try {
        const { references } = await this.#repository.states.head(record);
        this.#references.push({ record, references });
        if (isOwner) snapshots.push({ ...(await readSnapshot(this.#repository, record)), references });
      } catch (error) {
        if (!isHoldfastError(error, "absent", "corrupt", "incompatible")) throw error;
        await this.#repository.refresh();
        if (this.#repository.log.sweptStates.has(record.stateId)) continue;
        this.#damaged(stateKey(record.stateId), error.message);
      }
    }
    return snapshots;
  }

  /** Makes sure that no live snapshot needs a condemned or swept pack. Asks the log, so it holds whatever the store has. */
  #checkNeeds(): void {
    const { log } = this.#repository;
    if (log.condemned.size === 0 && log.swept.size === 0) return;
    const swept = new Set<PackId>();
    for (const { record, references } of this.#references) {
      const now = log.snapshots.get(record.stateId);
      if (now === undefined || now.removed !== undefined) continue;
      for (const packId of resolvePacks(log, references)) {
        if (log.condemned.has(packId)) this.#condemned.add(packId);
        else if (log.swept.has(packId)) swept.add(packId);
      }
    }
    for (const packId of swept) this.#damaged(packKey(packId), "The pack was swept though a live snapshot needs it.");
    for (const packId of this.#condemned) {
      this.#progress.errors++;
      const message = "The pack is condemned though a live snapshot needs it: maintenance revives it, or sweeps it.";
      this.#reporter.entryError({ path: packKey(packId), kind: "condemned", message });
    }
  }

  /** The packs that should be there now: all, or those that the snapshots need. */
  #packsToCheck(): readonly KnownPack[] {
    const { segments, log } = this.#repository;
    const there = segments.packs.filter((pack) => !log.swept.has(pack.packId));
    const isAll = this.#options.snapshots === undefined;
    if (isAll && log.condemned.size === 0) return there;
    const needed = new Set(this.#references.flatMap(({ references }) => [...resolvePacks(log, references)]));
    // What is condemned and not needed may well be damaged: that is how a repair gives a pack up.
    return there.filter(({ packId }) => needed.has(packId) || (isAll && !log.condemned.has(packId)));
  }

  /**
   * Compares the packs that are there with those that the log and the states tell of, by one listing. Those that were swept meanwhile may be
   * missing. @returns the sizes of all packs that are there, by id
   */
  async #checkSizes(packs: readonly KnownPack[]): Promise<ReadonlyMap<string, number>> {
    this.#progress.phase = "listing packs";
    const sizes = new Map<string, number>();
    for await (const { key, sizeBytes } of this.#repository.store.list(packsPrefix)) {
      const name = sha256HexOfKey(key);
      if (name !== undefined) sizes.set(name, sizeBytes);
    }
    const wrong = packs.filter((pack) => sizes.get(pack.packId) !== pack.sizeBytes);
    if (wrong.length > 0) await this.#repository.refresh();
    for (const pack of wrong) {
      const size = sizes.get(pack.packId);
      if (size === undefined) this.#missing.add(pack);
      if (this.#repository.log.swept.has(pack.packId)) continue;
      const message =
        size === undefined
          ? "The pack is missing."
          : `The pack has ${size} bytes instead of ${pack.sizeBytes}: it is cut short or not the same.`;
      this.#damagedPack(pack, message, []);
      if (size === undefined) {
        for (let row = 0; row < pack.segmentCount; row++) this.#badSegments.set(pack.firstSegment + row, "missing");
      }
    }
    return sizes;
  }
  readonly #missing = new Set<KnownPack>();

  async #readContent(packs: readonly KnownPack[]): Promise<void> {
    const { readPercent, threads, signal } = this.#options;
    const chosen = sample(
      packs.filter((pack) => !this.#missing.has(pack)),
      readPercent,
      this.#repository,
    );
    if (chosen.length === 0) return;
    this.#progress.phase = "reading packs";
    const chosenBytes = chosen.reduce((sum, pack) => sum + pack.sizeBytes, 0);
    this.#progress.bytesTotal = (this.#progress.bytesTotal ?? 0) + chosenBytes;
    this.#packsRead += chosen.length;
    await readPacks(this.#repository, chosen, {
      threads,
      signal,
      findings: {
        damaged: (pack, message, ordinals) => this.#damagedPack(pack, message, ordinals),
        swept: () => void this.#packsRead--,
        unread: (pack, error) => {
          this.#unverified++;
          this.#progress.errors++;
          this.#reporter.entryError({ path: packKey(pack.packId), kind: error.kind, message: error.message });
        },
        verified: (blobs, plainBytes) => {
          this.#blobs += blobs;
          this.#bytes += plainBytes;
        },
        fetched: (bytes) => {
          this.#fetched += bytes;
          this.#progress.bytesDone += bytes;
          this.#progress.bytesStored += bytes;
        },
      },
    });
  }

  #damagedPack(pack: KnownPack, message: string, ordinals: readonly number[]): void {
    for (const ordinal of ordinals) this.#badSegments.set(ordinal, message);
    this.#damaged(packKey(pack.packId), message);
  }

  #damaged(key: string, message: string): void {
    this.#damagedObjects.add(key);
    this.#progress.errors++;
    this.#reporter.entryError({ path: key, kind: "corrupt", message });
  }
}

/** A random share of packs, at least one when the share is not 0. */
function sample(packs: readonly KnownPack[], percent: number, repository: Repository): readonly KnownPack[] {
  if (percent >= 100) return packs;
  if (percent <= 0 || packs.length === 0) return [];
  const wanted = Math.max(1, Math.ceil((packs.length * percent) / 100));
  const pool = [...packs];
  const chosen: KnownPack[] = [];
  while (chosen.length < wanted) {
    const bytes = repository.random(4);
    const index = new DataView(bytes.buffer).getUint32(0, true) % pool.length;
    const [pack] = pool.splice(index, 1);
    if (pack === undefined) throw new HoldfastError("internal", "Cannot draw a sample of packs");
    chosen.push(pack);
  }
  return chosen;
}
