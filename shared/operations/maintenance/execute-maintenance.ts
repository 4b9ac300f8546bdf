import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { CommitId, PackId, StateId } from "#shared/format/ids.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import { packTableRowBytes } from "#shared/format/pack.ts";
import { appendEntry, type Appender } from "#shared/log/append-entry.ts";
import { inParallel } from "#shared/log/in-parallel.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { type RepairMark, repairMarkId } from "#shared/log/repair-marks.ts";
import { checkCondemn } from "#shared/log/rules/check-condemn.ts";
import { checkSweep } from "#shared/log/rules/check-sweep.ts";
import { stopIfAborted } from "#shared/log/stop-if-aborted.ts";
import { violationError } from "#shared/log/violation.ts";
import type { Notice, Progress } from "#shared/operations/progress.ts";
import { packKey, stateKey } from "#shared/store/object-key.ts";
import type { MaintenancePlan } from "./maintenance-plan.ts";
import type { MaintenancePolicy } from "./maintenance-policy.ts";
import { isStateEmpty } from "./plan-maintenance.ts";
import { coverLive, type Survey, uncovered } from "./survey-store.ts";
import { ageOf, ageOfRemoval, type Witnesses } from "./witnesses.ts";

/** What executing a plan takes. */
export type ExecuteOptions = {
  /** The survey that the plan was made of: the facts by which everything is decided again. Newer snapshots are added to it. */
  readonly survey: Survey;
  readonly policy: MaintenancePolicy;
  /** The clocks that the plan was made by. */
  readonly witnesses: Witnesses;
  /** Its `from` may be as old as the plan. */
  readonly appender: Appender;
  readonly progress: Progress;
  readonly notice: (notice: Notice) => void;
};

/** What came of it. */
export type MaintenanceDone = {
  readonly revived: number;
  /** Condemned anew, because the time of their condemnation lay in the future. */
  readonly recondemned: number;
  readonly condemned: number;
  readonly condemnedBytes: number;
  readonly swept: number;
  readonly sweptStates: number;
  readonly deleted: number;
  readonly deletedBytes: number;
  /** Entries appended. */
  readonly entries: number;
  /** What kept something from being done; each was told as a notice. */
  readonly undone: number;
  /** The newest fold that is known. */
  readonly state: LogState;
};

/** Ids in one entry: about 700 KB of the 16 MiB that an entry may have. What is in memory for an entry is several times that. */
const idsOfEntry = 20_000;
/** Times that newer snapshots are looked at before a condemnation is left to the next run. */
const coverRounds = 50;
const deletionsAtOnce = 32;

/**
 * Carries a plan out: revive, sweep, delete, condemn, each durable before the next. It may die anywhere and be begun again anywhere, with
 * this plan or another, beside any number of others who do the same.
 *
 * Each event is decided against the very fold that its entry follows: what was revived, needed, condemned or swept meanwhile is
 * passed over. A condemnation waits for the heads of the snapshots that were published since the survey.
 *
 * @throws {HoldfastError} as `appendEntry`; what was done before stays done
 */
export function executeMaintenance(plan: MaintenancePlan, options: ExecuteOptions): Promise<MaintenanceDone> {
  return new Execution(plan, options).run();
}

class Execution {
  readonly #plan: MaintenancePlan;
  readonly #options: ExecuteOptions;
  readonly #appender: Appender;
  readonly #survey: Survey;
  #state: LogState;
  #revived = 0;
  #recondemned = 0;
  #condemned = 0;
  #condemnedBytes = 0;
  #swept = 0;
  #sweptStates = 0;
  #deleted = 0;
  #deletedBytes = 0;
  #entries = 0;
  #undone = 0;

  constructor(plan: MaintenancePlan, options: ExecuteOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#appender = options.appender;
    this.#survey = options.survey;
    this.#state = options.appender.from.seq >= options.survey.state.seq ? options.appender.from : options.survey.state;
  }

  async run(): Promise<MaintenanceDone> {
    const plan = this.#plan;
    const { progress } = this.#options;
    progress.phase = "reviving";
    if (plan.jumpMs !== undefined && plan.doubt === undefined) await this.#noteTime();
    for (const batch of batches(plan.revive.ascending())) await this.#revive(batch);
    progress.phase = "sweeping";
    for (const batch of batches(plan.sweep.ascending())) await this.#sweep(batch, []);
    for (const batch of batches(plan.sweepStates.toSorted())) await this.#sweep([], batch);
    progress.phase = "deleting";
    await this.#delete();
    progress.phase = "condemning";
    for (const batch of batches(plan.recondemn.ascending()))
      if (!(await this.#condemn(batch, { isAgain: true }))) break;
    for (const batch of batches(plan.recondemnDamaged.ascending()))
      if (!(await this.#condemn(batch, { isAgain: true, mark: "damaged" }))) break;
    if (plan.condemnLimit === undefined && plan.unreadable.length === 0) {
      for (const batch of batches(plan.condemn.ascending()))
        if (!(await this.#condemn(batch, { isAgain: false }))) break;
      for (const batch of batches(plan.condemnMissing.ascending()))
        if (!(await this.#condemn(batch, { isAgain: false, mark: "missing" }))) break;
    }
    return {
      revived: this.#revived,
      recondemned: this.#recondemned,
      condemned: this.#condemned,
      condemnedBytes: this.#condemnedBytes,
      swept: this.#swept,
      sweptStates: this.#sweptStates,
      deleted: this.#deleted,
      deletedBytes: this.#deletedBytes,
      entries: this.#entries,
      undone: this.#undone,
      state: this.#state,
    };
  }

  /** An entry that changes nothing: the next run sees by it that the log is not silent, and that it is this machine's clock that goes on. */
  async #noteTime(): Promise<void> {
    const { graceMs } = this.#plan;
    await this.#append((state) => (state.seq === this.#plan.seq ? [{ type: "settings", graceMs }] : []));
  }

  async #revive(packs: readonly PackId[]): Promise<void> {
    let still: PackId[] = [];
    const appended = await this.#append((state) => {
      still = packs.filter((packId) => state.condemned.has(packId));
      return still.length === 0 ? [] : [{ type: "revive", packs: still }];
    });
    if (appended) this.#revived += still.length;
  }

  /** Packs and states are swept by entries of their own: a state may go when nothing of what it added is left in the fold. */
  async #sweep(packs: readonly PackId[], states: readonly StateId[]): Promise<void> {
    const survey = this.#survey;
    const { clock } = this.#appender;
    let packsNow: PackId[] = [];
    let statesNow: StateId[] = [];
    const appended = await this.#append((state) => {
      const timeMs = clock.nowMs();
      const graceMs = state.graceMs ?? this.#options.policy.graceMs;
      const { isNeeded } = survey.needed.facts(state);
      const { storeAgeMs } = this.#options.witnesses;
      const clocks = { hostMs: timeMs, storeAgeMs };
      packsNow = packs.filter((packId) => {
        const condemned = state.condemned.get(packId);
        // What was condemned after the plan was made, by a repair perhaps, is for another plan.
        if (condemned === undefined || condemned.seq > this.#plan.seq) return false;
        return ageOf(clocks, condemned) >= graceMs && !isNeeded(packId);
      });
      statesNow = states.filter((stateId) => {
        if (state.sweptStates.has(stateId)) return false;
        const record = state.snapshots.get(stateId);
        if (record === undefined) return true;
        const { removed } = record;
        // One that was undeleted and removed again since waits for the grace period anew.
        if (removed === undefined || removed.seq > this.#plan.seq || ageOfRemoval(clocks, removed) < graceMs)
          return false;
        return isStateEmpty(survey, state, stateId, () => false);
      });
      if (packsNow.length + statesNow.length === 0) return [];
      const event = { type: "sweep", packs: packsNow, states: statesNow } as const;
      const facts = { graceMs, timeMs, storeAgeMs, packsOf: (stateId: StateId) => packsOf(survey, stateId) };
      const found = checkSweep(state, event, facts);
      if (found !== undefined) throw violationError("Cannot sweep", found);
      return [event];
    });
    if (!appended) return;
    this.#swept += packsNow.length;
    this.#sweptStates += statesNow.length;
  }

  /**
   * @param isAgain - those that are condemned are revived and condemned in one entry, which has a time of its own
   * @param mark - what the entry says of them, as a repair does
   * @returns false when it is left to another run
   */
  async #condemn(
    packs: readonly PackId[],
    { isAgain, mark }: { readonly isAgain: boolean; readonly mark?: RepairMark },
  ): Promise<boolean> {
    const { needed } = this.#survey;
    const { store, signal } = this.#appender;
    for (let rounds = 0; rounds < coverRounds; rounds++) {
      let isBehind = false;
      let still: PackId[] = [];
      const appended = await this.#append(
        (state) => {
          this.#state = state;
          still = [];
          isBehind = uncovered(state, needed).length > 0;
          if (isBehind) return [];
          const facts = needed.facts(state);
          const isThere = (packId: PackId): boolean => {
            const condemned = state.condemned.get(packId);
            return isAgain ? condemned !== undefined && condemned.seq <= this.#plan.seq : condemned === undefined;
          };
          still = packs.filter((packId) => isThere(packId) && !state.swept.has(packId) && !facts.isNeeded(packId));
          if (still.length === 0) return [];
          const event = { type: "condemn", packs: still } as const;
          if (isAgain) return [{ type: "revive", packs: still }, event];
          const found = checkCondemn(state, event, facts);
          if (found !== undefined) throw violationError("Cannot condemn packs", found);
          return [event];
        },
        mark === undefined ? undefined : repairMarkId(mark, this.#appender.random),
      );
      if (!isBehind) {
        if (appended && !isAgain) this.#count(still);
        else if (appended) this.#recondemned += still.length;
        return true;
      }
      try {
        await coverLive({ store, state: this.#state, needed, ...(signal === undefined ? {} : { signal }) });
      } catch (error) {
        if (!isHoldfastError(error, "absent", "corrupt", "incompatible", "denied", "unavailable")) throw error;
        this.#leave(`Nothing is condemned: a snapshot that came meanwhile cannot be read: ${error.message}`);
        return false;
      }
    }
    this.#leave("Condemning is left to another run: snapshots were published all the time");
    return false;
  }

  /** Deletes what the log calls swept and the store still has: packs, then states. */
  async #delete(): Promise<void> {
    const { leftoverPacks, leftoverStates, sweep, sweepStates } = this.#plan;
    const { packs } = this.#survey;
    const state = this.#state;
    const { isNeeded } = this.#survey.needed.facts(state);
    const isSwept = (packId: PackId): boolean => state.swept.has(packId) && !isNeeded(packId);
    const bytesOf = (packId: PackId): number => packs.sizeBytes(packs.ids.findId(packId));
    const sizes = new Map<StateId, number>();
    for (const { stateId, sizeBytes } of [...this.#survey.unpublished, ...this.#survey.sweptStates])
      sizes.set(stateId, sizeBytes);
    const stateBytes = (stateId: StateId): number =>
      sizes.get(stateId) ?? this.#survey.state.snapshots.get(stateId)?.stateBytes ?? 0;
    try {
      await this.#deleteAll([leftoverPacks, sweep], isSwept, packKey, bytesOf);
      const isSweptState = (stateId: StateId): boolean => state.sweptStates.has(stateId);
      await this.#deleteAll([leftoverStates, sweepStates], isSweptState, stateKey, stateBytes);
    } catch (error) {
      if (!isHoldfastError(error, "unavailable", "denied")) throw error;
      this.#leave(`What was swept is not all deleted, the next run goes on: ${error.message}`);
    }
  }

  async #deleteAll<Id extends string>(
    lists: readonly Iterable<Id>[],
    isSwept: (id: Id) => boolean,
    keyOf: (id: Id) => string,
    bytesOf: (id: Id) => number,
  ): Promise<void> {
    const { store, signal } = this.#appender;
    for (const list of lists) {
      await inParallel(list, deletionsAtOnce, async (id) => {
        stopIfAborted(signal);
        if (!isSwept(id)) return;
        await store.delete(keyOf(id));
        this.#deleted++;
        this.#deletedBytes += bytesOf(id);
        this.#options.progress.entriesDone++;
      });
    }
  }

  async #append(decide: (state: LogState) => readonly LogEvent[], commitId?: CommitId): Promise<boolean> {
    const { attemptId: _attemptId, ...appender } = this.#appender;
    const named = commitId === undefined ? {} : { attemptId: commitId };
    const { appended, state } = await appendEntry({ ...appender, ...named, from: this.#state }, decide);
    this.#state = state;
    if (appended) this.#entries++;
    return appended;
  }

  #count(condemned: readonly PackId[]): void {
    const { packs } = this.#survey;
    this.#condemned += condemned.length;
    for (const packId of condemned) this.#condemnedBytes += packs.sizeBytes(packs.ids.findId(packId));
  }

  #leave(message: string): void {
    this.#undone++;
    this.#options.notice({ level: "warning", message });
  }
}

/** The packs that a removed snapshot's state adds, as the rules ask for them: of a table they take the length only. */
function* packsOf({ packs, packsOfRemoved }: Survey, stateId: StateId) {
  const rows = packsOfRemoved.get(stateId);
  if (rows === undefined) throw new HoldfastError("internal", `Cannot sweep state ${stateId}: its packs are not known`);
  for (const row of rows)
    yield { packId: packs.ids.idAt(row), table: new Uint8Array(packs.segments(row) * packTableRowBytes) };
}

/** @param ascending - so that an entry changes a stretch of the fold, not some of all of it */
function* batches<Id extends string>(ascending: Iterable<Id>): Generator<readonly Id[], void, undefined> {
  let batch: Id[] = [];
  for (const id of ascending) {
    batch.push(id);
    if (batch.length < idsOfEntry) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
