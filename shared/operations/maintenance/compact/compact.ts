import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { idToBytes, type PackId } from "#shared/format/ids.ts";
import type { Appender } from "#shared/log/append-entry.ts";
import { confirmPacks } from "#shared/log/confirm-packs.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { readLog } from "#shared/log/read-log.ts";
import { stopIfAborted } from "#shared/log/stop-if-aborted.ts";
import { packKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { appendRelocations, type CopiedGroup } from "./append-relocations.ts";
import type { CompactionGroup, CompactionPlan, PackToCompact } from "./compaction-plan.ts";
import { type CopiedPack, copyPack } from "./copy-pack.ts";
import { type LaidOutPack, layOutPack } from "./lay-out-pack.ts";
import type { PackCensus } from "./pack-census.ts";
import { readAhead } from "./read-ahead.ts";

const inFlightPacks = 16;
const inFlightPackBytes = 48 * 1024 * 1024;
/** What one log entry says at most: bytes of its own, and of the packs that it brings. */
const entryBytes = 4 * 1024 * 1024;
const entryPackBytes = 1024 ** 3;

/** Options of `compact`. */
export type CompactOptions = {
  /** `from`: the fold that the plan was made at. */
  readonly appender: Appender;
  readonly plan: CompactionPlan;
  /** What the plan was made of. Snapshots that came since are added to it. */
  readonly census: PackCensus;
  /** Told after each pack that was read, with the bytes read so far. */
  readonly onRead?: (bytesRead: number) => void;
};

/** What a compaction did. */
export type CompactionReport = {
  /** Packs whose live segments are elsewhere now, and those that hold them. */
  readonly relocatedPacks: readonly PackId[];
  readonly newPacks: readonly PackId[];
  /** Of the former, those that were condemned in the same breath. The others are still needed by a snapshot that came meanwhile. */
  readonly condemnedPacks: readonly PackId[];
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Bytes of the condemned packs, which go when they are swept, less those of the new ones. */
  readonly bytesFreed: number;
  /** Packs that were left as they are because they are damaged or missing. */
  readonly damaged: readonly { readonly packId: PackId; readonly error: HoldfastError }[];
  /** Packs that were left as they are because somebody else dealt with them, or came to need them otherwise, meanwhile. */
  readonly overtakenPacks: readonly PackId[];
  /** The log as it is now known. */
  readonly log: LogState;
};

/**
 * Copies the live segments of packs into new packs, without any key, and tells the log where they are.
 *
 * Order: the new packs, confirmed whole; then a log entry that relocates their segments and condemns the packs that nobody needs any
 * more; those are swept like others, after the grace period. Who dies before the entry leaves orphans. The next plan begins anew.
 * Several may do this at once: of two copies of a segment the one whose entry comes first counts, the other is an orphan.
 *
 * Every pack is proved whole before anything of it is copied; a damaged one is left as it is, and reported. What the rules
 * of the log do not allow (any more) when the entry is written is left out.
 *
 * Memory: 48 MiB of packs being read, or a single one; the segments of a group; one new pack being put; and what one log entry
 * says, 4 MiB.
 *
 * @throws {HoldfastError} unavailable, denied, interrupted: the store does not answer, or the signal was given; what entries said before holds
 * @throws {HoldfastError} absent, corrupt: the state of a live snapshot that came meanwhile could not be read
 */
export async function compact(options: CompactOptions): Promise<CompactionReport> {
  const run = new CompactionRun(options);
  await run.copyAll();
  return run.report();
}

type PackOfGroup = { readonly group: CompactionGroup; readonly pack: PackToCompact; readonly isLast: boolean };

class CompactionRun {
  readonly #options: CompactOptions;
  readonly #store: Store;
  readonly #storeId: Uint8Array;
  readonly #relocated: PackId[] = [];
  readonly #new: PackId[] = [];
  readonly #condemned: PackId[] = [];
  readonly #damaged: { packId: PackId; error: HoldfastError }[] = [];
  readonly #overtaken: PackId[] = [];
  /** Groups that are stored and of which the log knows nothing yet, and about how large an entry they make. */
  #batch: CopiedGroup[] = [];
  #batchEntryBytes = 0;
  #batchPackBytes = 0;
  #log: LogState;
  #bytesRead = 0;
  #bytesWritten = 0;
  #bytesFreed = 0;

  constructor(options: CompactOptions) {
    this.#options = options;
    this.#store = options.appender.store;
    this.#log = options.appender.from;
    this.#storeId = idToBytes(this.#log.storeId);
  }

  async copyAll(): Promise<void> {
    let copied: CopiedPack[] = [];
    const limits = {
      bytesOf: ({ pack }: PackOfGroup) => pack.sizeBytes,
      inFlight: inFlightPacks,
      inFlightBytes: inFlightPackBytes,
    };
    const packs = packsOf(this.#options.plan.groups);
    for await (const { item, result } of readAhead(packs, ({ pack }) => this.#copy(pack), limits)) {
      if (result instanceof HoldfastError) await this.#passOver(item.pack, result);
      else {
        copied.push(result);
        this.#bytesRead += item.pack.sizeBytes;
        this.#options.onRead?.(this.#bytesRead);
      }
      if (!item.isLast) continue;
      if (copied.length > 0) await this.#storeGroup(item.group, copied);
      copied = [];
      if (this.#batchEntryBytes >= entryBytes || this.#batchPackBytes >= entryPackBytes) await this.#append();
    }
    await this.#append();
  }

  report(): CompactionReport {
    return {
      relocatedPacks: this.#relocated,
      newPacks: this.#new,
      condemnedPacks: this.#condemned,
      bytesRead: this.#bytesRead,
      bytesWritten: this.#bytesWritten,
      bytesFreed: this.#bytesFreed,
      damaged: this.#damaged,
      overtakenPacks: this.#overtaken,
      log: this.#log,
    };
  }

  async #copy(pack: PackToCompact): Promise<CopiedPack | HoldfastError> {
    stopIfAborted(this.#options.appender.signal);
    try {
      return await copyPack(this.#store, this.#storeId, pack);
    } catch (error) {
      if (isHoldfastError(error, "absent", "corrupt", "incompatible")) return error;
      throw error;
    }
  }

  /** A pack that could not be copied is damaged, unless it is gone because it was swept meanwhile. */
  async #passOver({ packId }: PackToCompact, error: HoldfastError): Promise<void> {
    const { signal } = this.#options.appender;
    if (error.kind === "absent") {
      this.#log = await readLog({
        store: this.#store,
        from: this.#log,
        ...(signal === undefined ? {} : { signal }),
      });
      if (this.#log.swept.has(packId)) {
        this.#overtaken.push(packId);
        return;
      }
    }
    this.#damaged.push({ packId, error });
  }

  async #storeGroup(group: CompactionGroup, copied: readonly CopiedPack[]): Promise<void> {
    const { signal, random } = this.#options.appender;
    const laidOut = layOutPack({
      kind: group.kind,
      storeId: this.#storeId,
      salt: random(16),
      segments: copied.flatMap((each) => each.segments),
      envelopes: new Map(copied.flatMap((each) => [...each.envelopes])),
    });
    await putPack(this.#store, laidOut);
    const { packId, kind, sizeBytes, table } = laidOut;
    await confirmPacks(this.#store, [{ packId, sizeBytes }], signal);
    this.#bytesWritten += sizeBytes;
    this.#batch.push({
      from: copied.map(({ pack, table: oldTable }) => ({ pack, table: oldTable })),
      to: { packId, kind, sizeBytes, table },
    });
    this.#batchPackBytes += sizeBytes;
    this.#batchEntryBytes += table.byteLength + 256;
    for (const { pack } of copied) this.#batchEntryBytes += pack.rows.byteLength + 128;
  }

  async #append(): Promise<void> {
    if (this.#batch.length === 0) return;
    const { appender, census } = this.#options;
    const groups = this.#batch;
    const { atLeast: _seen, attemptId: _of, ...others } = appender;
    const done = await appendRelocations({ ...others, from: this.#log }, { groups, census });
    [this.#batch, this.#batchEntryBytes, this.#batchPackBytes] = [[], 0, 0];
    this.#log = done.log;
    for (const group of groups) {
      const olds = group.from.map((each) => each.pack);
      if (!done.relocated.includes(group)) {
        for (const { packId } of olds) this.#overtaken.push(packId);
        continue;
      }
      this.#new.push(group.to.packId);
      this.#bytesFreed -= group.to.sizeBytes;
      for (const { packId, sizeBytes } of olds) {
        this.#relocated.push(packId);
        if (!done.condemned.has(packId)) continue;
        this.#condemned.push(packId);
        this.#bytesFreed += sizeBytes;
      }
    }
  }
}

function* packsOf(groups: readonly CompactionGroup[]): Generator<PackOfGroup, void, undefined> {
  for (const group of groups)
    for (const [index, pack] of group.packs.entries()) yield { group, pack, isLast: index === group.packs.length - 1 };
}

async function putPack(store: Store, pack: LaidOutPack): Promise<void> {
  try {
    await store.put(packKey(pack.packId), pack.parts, { sha256: pack.sha256 });
  } catch (error) {
    // The name is the hash of the content and the header is salted: what is there already is this very pack, put by a try before.
    if (!isHoldfastError(error, "conflict")) throw error;
  }
}
