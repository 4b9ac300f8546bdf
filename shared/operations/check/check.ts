import { packKey, packsPrefix, sha256HexOfKey } from "#shared/store/object-key.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { newProgress, type Progress, type Reporter } from "#shared/operations/progress.ts";
import type { Repository } from "#shared/repository/repository.ts";
import type { KnownPack } from "#shared/repository/segment-table.ts";
import { liveRecords, readSnapshot } from "#shared/snapshot/read-snapshot.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";
import { readPacks } from "./read-packs.ts";
import { type CheckedSnapshot, TreeCheck } from "./check-tree.ts";

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
  /** Things that could not be verified. */
  readonly unverified: number;
  readonly durationMs: number;
};

/**
 * Verifies a store: the log was verified when the repository was opened; here states, packs, trees, that every chunk of every file
 * is there, and as much content as is asked for. Damage is reported with the object that has it and the files concerned.
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
    await this.#repository.loadIndex();
    for (const { stateId, error } of this.#repository.problems)
      this.#damaged(`states/${stateId.slice(0, 2)}/${stateId}`, error.message);
    const snapshots = await this.#openSnapshots();
    const packs = this.#packsToCheck(snapshots);
    await this.#checkSizes(packs);
    await this.#readContent(packs);
    this.#progress.phase = "walking snapshots";
    const trees = new TreeCheck({
      repository: this.#repository,
      badSegments: this.#badSegments,
      reporter: this.#reporter,
      progress: this.#progress,
      signal: this.#options.signal,
    });
    for (const snapshot of snapshots) await trees.checkSnapshot(snapshot);
    return {
      snapshots: snapshots.length,
      packs: packs.length,
      packsRead: this.#packsRead,
      blobsVerified: this.#blobs,
      bytesVerified: this.#bytes,
      fetchedBytes: this.#fetched,
      damagedObjects: [...this.#damagedObjects],
      damagedFiles: trees.damagedFiles,
      unverified: this.#unverified,
      durationMs: Math.max(0, clock.nowMs() - startedMs),
    };
  }

  /** Opens the headers of the snapshots; with a key that may not, only the structure of the store can be verified. */
  async #openSnapshots(): Promise<CheckedSnapshot[]> {
    const records = this.#options.snapshots ?? liveRecords(this.#repository);
    const snapshots: CheckedSnapshot[] = [];
    if (this.#repository.keys.role !== "owner") {
      this.#reporter.notice({
        level: "warning",
        message: "Only hashes are verified: this key may not read what other sessions stored.",
      });
      this.#unverified += records.length;
      return snapshots;
    }
    for (const record of records) {
      try {
        const { references } = await this.#repository.head(record.stateId);
        snapshots.push({ ...(await readSnapshot(this.#repository, record)), references });
      } catch (error) {
        if (!isHoldfastError(error, "corrupt", "incompatible")) throw error;
        this.#damaged(`states/${record.stateId.slice(0, 2)}/${record.stateId}`, error.message);
      }
    }
    return snapshots;
  }

  #packsToCheck(snapshots: readonly CheckedSnapshot[]): readonly KnownPack[] {
    const { segments } = this.#repository;
    if (this.#options.snapshots === undefined) return segments.packs;
    const needed = new Set(snapshots.flatMap((snapshot) => snapshot.references.map((each) => each.packId)));
    return segments.packs.filter((pack) => needed.has(pack.packId));
  }

  /** Compares the packs that are there with those that the states tell of, by one listing. */
  async #checkSizes(packs: readonly KnownPack[]): Promise<void> {
    this.#progress.phase = "listing packs";
    const sizes = new Map<string, number>();
    for await (const { key, sizeBytes } of this.#repository.store.list(packsPrefix)) {
      const name = sha256HexOfKey(key);
      if (name !== undefined) sizes.set(name, sizeBytes);
    }
    for (const pack of packs) {
      const size = sizes.get(pack.packId);
      if (size === pack.sizeBytes) continue;
      const message =
        size === undefined
          ? "The pack is missing."
          : `The pack has ${size} bytes instead of ${pack.sizeBytes}: it is cut short or not the same.`;
      this.#damagedPack(pack, message, []);
      if (size === undefined) {
        for (let row = 0; row < pack.segmentCount; row++) this.#badSegments.set(pack.firstSegment + row, "missing");
      }
    }
  }

  async #readContent(packs: readonly KnownPack[]): Promise<void> {
    const { readPercent, threads, signal } = this.#options;
    const chosen = sample(
      packs.filter((pack) => this.#badSegments.get(pack.firstSegment) !== "missing"),
      readPercent,
      this.#repository,
    );
    if (chosen.length === 0) return;
    this.#progress.phase = "reading packs";
    this.#progress.bytesTotal = chosen.reduce((sum, pack) => sum + pack.sizeBytes, 0);
    this.#packsRead = chosen.length;
    await readPacks(this.#repository, chosen, {
      threads,
      signal,
      findings: {
        damaged: (pack, message, ordinals) => this.#damagedPack(pack, message, ordinals),
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
