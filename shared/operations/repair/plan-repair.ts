import { withLosses } from "#shared/format/content-losses.ts";
import type { PackId, StateId } from "#shared/format/ids.ts";
import { encodeSnapshotHeader, type SnapshotHeader } from "#shared/format/snapshot.ts";
import type { StatesOfLonger } from "#shared/log/find-states-of-longer.ts";
import { resolvePacks } from "#shared/log/resolve-row.ts";
import type { LogState, SnapshotRecord } from "#shared/log/log-state.ts";
import { newProgress, type Progress, type Reporter } from "#shared/operations/progress.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { readSnapshot } from "#shared/snapshot/read-snapshot.ts";
import { packKey, stateKey } from "#shared/store/object-key.ts";
import { findBeforeCheckpoint } from "./find-before-checkpoint.ts";
import { findKeySlots } from "./find-key-slots.ts";
import { findPacks } from "./find-packs.ts";
import { hasLostEnd } from "./has-lost-end.ts";
import { NeedWalk } from "./need-walk.ts";
import { isLossNoted } from "./note-losses.ts";
import type { Finding, RepairPlan, Restatement } from "./repair-plan.ts";
import { lastRecovery } from "./recovery-mark.ts";
import {
  isRecovered,
  placeOf,
  recoveredCommitId,
  repairedCommitId,
  successorOf,
} from "#shared/log/repaired-commit-id.ts";
import type { SalvagedLog } from "./salvage-log.ts";
import { sentence } from "./sentence.ts";
import { packsAmong, segmentsOf } from "./state-references.ts";
import { type RecoveryMoment, type Survey, surveyStore, type UnpublishedState, withProved } from "./survey.ts";
import { withRecord } from "./with-record.ts";

/** What to look for. */
export type PlanRepairOptions = {
  /** Opened at the fold of `log`, with an owner's key. */
  readonly repository: Repository;
  readonly log: SalvagedLog;
  /** The states that the log does not name, looked for after it was read. */
  readonly beside: StatesOfLonger;
  /** Whether all content is read and verified, and not only states, trees and the sizes of packs. */
  readonly read: boolean;
  /** Whether somebody has seen entries that the log does not have any more, so that states may have been published by them. */
  readonly isCutOff?: boolean;
  readonly threads: number;
  readonly reporter: Reporter;
  readonly signal?: AbortSignal;
};

/**
 * Looks for damage in a store and says what would mend it. Writes nothing.
 *
 * Every published snapshot is walked: for each blob that it needs a sound copy is looked for, in any pack. A snapshot whose state is lost,
 * or does not refer to sound copies of all that it needs, is to get a new state.
 *
 * @throws {HoldfastError} denied: it takes an owner's key
 */
export async function planRepair(options: PlanRepairOptions): Promise<RepairPlan> {
  if (options.repository.keys.hpke === undefined) {
    throw new HoldfastError("denied", "Cannot repair the store: this key may not read what other sessions stored", {
      hint: "Use an owner's passphrase or key file.",
    });
  }
  const progress = newProgress("repair", "reading states and packs");
  options.reporter.start(progress);
  return new Planner(options, progress).run();
}

class Planner {
  readonly #options: PlanRepairOptions;
  readonly #progress: Progress;
  readonly #findings: Finding[] = [];
  readonly #restatements: Restatement[] = [];
  readonly #republished: UnpublishedState[] = [];
  readonly #lostSnapshots: StateId[] = [];
  /** The headers of snapshots that are there or will be: a snapshot that was repaired before has several copies. */
  readonly #described = new Set<string>();
  /** When snapshots were taken whose places in the log are known, and those places. */
  readonly #places: { readonly timeMs: number; readonly place: number }[] = [];
  #recoveredLog: LogState;
  /** A sound snapshot that needs packs which no state adds; restated if nothing else is. */
  #guardian: Restatement | undefined;
  /** Snapshots that are concerned by each pack that must go. */
  readonly #concerned = new Map<PackId, string[]>();

  constructor(options: PlanRepairOptions, progress: Progress) {
    this.#options = options;
    this.#progress = progress;
    this.#recoveredLog = options.log.state;
  }

  async run(): Promise<RepairPlan> {
    const { repository, log, beside, read, threads, signal } = this.#options;
    const isLost =
      log.lost.length > 0 ||
      log.resumes !== undefined ||
      this.#options.isCutOff === true ||
      (await hasLostEnd(repository.store, log, beside));
    const before = isLost ? { seq: Infinity, timeMs: Infinity } : await lastRecovery(repository.store, log.state);
    let survey = await surveyStore({ repository, before, read, threads, signal });
    for (;;) {
      const walk = new NeedWalk(repository, survey, signal);
      await this.#look(survey, walk, before);
      const doubted = repository.segments.packs.filter(({ packId }) => walk.doubtedPacks.has(packId));
      if (doubted.length === 0) break;
      survey = { ...survey, ...(await withProved({ repository, threads, signal }, survey, doubted)) };
      this.#forget();
    }
    const packs = findPacks(repository.log, survey, this.#concerned);
    this.#findings.push(...packs.findings);
    return {
      repository,
      log,
      survey,
      findings: this.#findings,
      restatements: this.#restatements,
      recoveredLog: this.#recoveredLog,
      republished: this.#republished,
      condemned: [...survey.leavingPacks.keys()].filter((each) => !repository.log.condemned.has(each)),
      returned: packs.returned,
      lostSnapshots: this.#lostSnapshots,
      goneStates: [...survey.brokenStates.keys()],
      needsCheckpoint: log.badCheckpoints.length > 0,
    };
  }

  /** Looks at the log and at all snapshots by what is known of packs. */
  async #look(survey: Survey, walk: NeedWalk, before: RecoveryMoment | undefined): Promise<void> {
    const { repository } = this.#options;
    this.#findings.push(...(await findKeySlots(repository)));
    this.#findInLog();
    this.#findings.push(...(await findBeforeCheckpoint(this.#options)));
    this.#progress.phase = "walking snapshots";
    const live = [...repository.log.snapshots.values()].filter((record) => record.removed === undefined);
    for (const record of live.sort((left, right) => left.seq - right.seq)) {
      await this.#planSnapshot(record, survey, walk);
      this.#progress.entriesDone++;
    }
    const gone = [...survey.brokenStates].filter(([id]) => repository.log.snapshots.get(id)?.removed !== undefined);
    for (const [stateId, reason] of gone) {
      const message = `${sentence(reason)} Its snapshot is removed, and cannot be undeleted: the state is given up.`;
      this.#find("mended", stateKey(stateId), message);
    }
    if (before !== undefined) await this.#planForgotten(survey, walk, before);
    if (this.#restatements.length === 0 && this.#guardian !== undefined) {
      this.#find(
        "mended",
        packKey(survey.homelessPacks[0] ?? ""),
        "Snapshots need it and no state tells of it: one of them gets a new state that does.",
      );
      this.#restatements.push(this.#guardian);
    }
  }

  /** Before another look, by more that is known of packs. */
  #forget(): void {
    this.#findings.length = 0;
    this.#restatements.length = 0;
    this.#republished.length = 0;
    this.#lostSnapshots.length = 0;
    this.#described.clear();
    this.#places.length = 0;
    this.#concerned.clear();
    this.#guardian = undefined;
    this.#recoveredLog = this.#options.log.state;
    this.#progress.entriesDone = 0;
  }

  #findInLog(): void {
    const { log } = this.#options;
    if (log.resumes !== undefined) {
      const { seq } = log.resumes;
      const message = `It ends before entry ${seq}, and checkpoint ${seq} says what it said up to there: it goes on behind that. What came later is found again as far as states tell.`;
      this.#find("mended", "log", message);
    }
    for (const { key, reason } of log.lost) {
      this.#find(
        "mended",
        key,
        `The log cannot be read here: ${reason}. It goes on behind it; what the entry said is found again as far as states tell.`,
      );
    }
    for (const { key, reason } of log.forks) this.#find("lost", key, `The log was mixed with another: ${reason}.`);
    for (const reason of log.dropped)
      this.#find("noted", "log", `Not applied, for it builds on a lost entry: ${reason}.`);
    for (const { key, reason } of log.badCheckpoints) this.#find("mended", key, reason);
  }

  async #planSnapshot(record: SnapshotRecord, survey: Survey, walk: NeedWalk): Promise<void> {
    const { repository } = this.#options;
    const { stateId } = record;
    const reason = survey.brokenStates.get(stateId);
    const head = reason === undefined ? await repository.head(stateId) : undefined;
    const known = await this.#headerOf(record, survey);
    if (known === undefined) {
      this.#lostSnapshots.push(stateId);
      this.#find(
        "lost",
        stateKey(stateId),
        `The snapshot cannot be had any more: ${reason ?? "its header does not open"}.`,
        {
          snapshots: [stateId],
        },
      );
      return;
    }
    this.#described.add(nameOf(known.header));
    this.#places.push({ timeMs: known.header.timeMs, place: placeOf(record) });
    const references = head === undefined ? undefined : segmentsOf(repository, head.references);
    const needs = await walk.walk(known.header, (ordinal) => references?.has(ordinal) ?? true);
    const touched = head === undefined ? [] : packsAmong(repository, head.references, survey.leavingPacks);
    for (const packId of touched) this.#concern(packId, stateId);
    const isComplete =
      head !== undefined && references !== undefined && [...needs.segments].every((segment) => references.has(segment));
    if (needs.lostCount > 0) {
      this.#find("lost", `snapshot ${stateId}`, `${needs.lostCount} paths of it cannot be restored whole.`, {
        snapshots: [stateId],
        paths: needs.lostPaths,
      });
    }
    const group = head?.group ?? known.group;
    const restatement = { old: record, commitId: repairedCommitId(record), group, header: known.header, needs };
    const isNoted = isLossNoted(known.header, needs);
    if (isComplete && touched.length === 0 && known.isSound && isNoted) {
      const packs = resolvePacks(repository.log, head.references);
      if (survey.homelessPacks.some((each) => packs.has(each))) this.#guardian ??= restatement;
      return;
    }
    if (head === undefined || !known.isSound) {
      this.#find(
        "mended",
        stateKey(stateId),
        `${sentence(reason ?? "its header does not open")} The snapshot gets a new state.`,
        {
          snapshots: [stateId],
        },
      );
    } else if ((!isComplete || !isNoted) && touched.length === 0) {
      const message = isComplete
        ? "What it lost is not noted in it as it is now: it gets a new state."
        : "Its index is incomplete, or what it had lost is in the store again: it gets a new state.";
      this.#find("mended", `snapshot ${stateId}`, message, { snapshots: [stateId] });
    }
    this.#restatements.push(restatement);
  }

  /** The header of a snapshot: from its state or a checkpoint, else from its copy in the packs. */
  async #headerOf(
    record: SnapshotRecord,
    survey: Survey,
  ): Promise<{ header: SnapshotHeader; group: Uint8Array; isSound: boolean } | undefined> {
    const copy = survey.copies.get(record.commitId);
    try {
      const { header } = await readSnapshot(this.#options.repository, record);
      return { header, group: copy?.group ?? new Uint8Array(16), isSound: true };
    } catch (error) {
      if (!isHoldfastError(error, "absent", "corrupt")) throw error;
      return copy === undefined ? undefined : { ...copy, isSound: false };
    }
  }

  /**
   * What was published by entries that are lost: whole states as they are, and snapshots of which the packs keep a copy.
   *
   * @param before - when the log was recovered: what came after that was never lost
   */
  async #planForgotten(survey: Survey, walk: NeedWalk, before: RecoveryMoment): Promise<void> {
    const { log } = this.#options.repository;
    const commits = new Set<string>();
    const free = this.#options.log.lost.map((each) => each.seq);
    for (const state of survey.unpublished) {
      const { head, stateId } = state;
      const isKnown = log.snapshotOfCommit.has(head.commitId) || successorOf(log, stateId) !== undefined;
      if (isKnown || commits.has(head.commitId)) continue;
      if (!state.isWhole) {
        if (await this.#planPartial(state, walk, free)) commits.add(head.commitId);
        continue;
      }
      commits.add(head.commitId);
      const copy = survey.copies.get(head.commitId);
      if (copy !== undefined) this.#described.add(nameOf(copy.header));
      // Whoever made it had folded less than the entry that published it.
      const seq = takeAfter(free, head.baseSeq);
      if (seq === undefined) this.#republished.push(state);
      else this.#recoveredLog = withRecord(this.#recoveredLog, { ...state, seq });
      this.#find("mended", stateKey(stateId), "The entry that published it is lost: it is published again.", {
        snapshots: [stateId],
      });
    }
    const copies = [...survey.copies.values()].sort((left, right) => left.header.timeMs - right.header.timeMs);
    for (const copy of copies) {
      if (log.snapshotOfCommit.has(copy.commitId) || commits.has(copy.commitId)) continue;
      if (copy.header.timeMs > before.timeMs || this.#described.has(nameOf(copy.header))) continue;
      if (isRecovered(log, copy.commitId)) continue;
      this.#described.add(nameOf(copy.header));
      const needs = await walk.walk(copy.header, () => true);
      const message = "Neither the log nor a state tells of the snapshot any more: it is brought back from the packs.";
      if (needs.lostCount > 0) {
        const paths = `${needs.lostCount} paths of it cannot be had, as after a removal: it is left alone.`;
        this.#find("noted", `snapshot of commit ${copy.commitId}`, paths);
        continue;
      }
      this.#find("mended", `snapshot of commit ${copy.commitId}`, message);
      const seq = this.#takePlace(copy.header.timeMs, free);
      const commitId = seq === undefined ? copy.commitId : recoveredCommitId(copy.commitId, seq);
      this.#restatements.push({ ...copy, commitId, old: undefined, needs });
    }
  }

  /**
   * A state that a lost entry published and that refers to packs which are gone: its snapshot is brought back with what is left of it, like others
   * that lose a pack.
   *
   * @returns false: it went the way of removed snapshots, as far as anyone can tell
   */
  async #planPartial(state: UnpublishedState, walk: NeedWalk, free: number[]): Promise<boolean> {
    const { repository } = this.#options;
    const { log } = repository;
    const { stateId, head } = state;
    const { group, createdMs: timeMs } = head;
    const isSwept = head.references.some(({ packId }) => log.swept.has(packId) && !log.relocated.has(packId));
    // Where no entry is left at all, nobody knows what was removed.
    if (isSwept || log.seq === 0) {
      const message = "No entry publishes it, and packs that it needs are gone, as after a removal: it is left alone.";
      this.#find("noted", stateKey(stateId), message);
      return false;
    }
    let header: SnapshotHeader;
    try {
      ({ header } = await readSnapshot(repository, {
        ...state,
        commitId: head.commitId,
        timeMs,
        seq: head.baseSeq + 1,
      }));
    } catch (error) {
      if (!isHoldfastError(error, "absent", "corrupt")) throw error;
      this.#find("lost", stateKey(stateId), `The snapshot cannot be had any more: ${error.message}.`);
      return false;
    }
    this.#described.add(nameOf(header));
    const needs = await walk.walk(header, () => true);
    const about = { snapshots: [stateId], paths: needs.lostPaths };
    const message =
      "The entry that published it is lost, and packs that it needs: it is brought back with what is left.";
    this.#find("mended", stateKey(stateId), message, { snapshots: [stateId] });
    if (needs.lostCount > 0)
      this.#find("lost", `snapshot ${stateId}`, `${needs.lostCount} paths of it cannot be restored whole.`, about);
    const seq = takeAfter(free, head.baseSeq);
    if (seq !== undefined) this.#places.push({ timeMs: header.timeMs, place: seq });
    const commitId = seq === undefined ? head.commitId : repairedCommitId({ stateId, commitId: head.commitId, seq });
    this.#restatements.push({ old: undefined, commitId, group, header, needs });
    return true;
  }

  /** The first lost entry after those that published what was taken before `timeMs`. */
  #takePlace(timeMs: number, free: number[]): number | undefined {
    let after = 0;
    for (const each of this.#places) if (each.timeMs <= timeMs && each.place > after) after = each.place;
    const place = takeAfter(free, after);
    if (place !== undefined) this.#places.push({ timeMs, place });
    return place;
  }

  #concern(packId: PackId, stateId: string): void {
    const known = this.#concerned.get(packId);
    if (known === undefined) this.#concerned.set(packId, [stateId]);
    else known.push(stateId);
  }

  #find(
    remedy: Finding["remedy"],
    object: string,
    message: string,
    about: { readonly snapshots?: readonly string[]; readonly paths?: readonly string[] } = {},
  ): void {
    this.#findings.push({ remedy, object, message, snapshots: about.snapshots ?? [], paths: about.paths ?? [] });
  }
}

/** Takes the first number above `seq` out of ascending ones. */
function takeAfter(free: number[], seq: number): number | undefined {
  const at = free.findIndex((each) => each > seq);
  return at < 0 ? undefined : free.splice(at, 1)[0];
}

/** What tells one backup from another, however often its header was copied, and whatever was lost since. */
function nameOf(header: SnapshotHeader): string {
  const bare = withLosses({ ...header, durationMs: 0 }, { lostPaths: 0, errorList: undefined });
  return Buffer.from(encodeSnapshotHeader(bare)).toString("latin1");
}
