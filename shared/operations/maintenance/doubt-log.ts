import type { PackId } from "#shared/format/ids.ts";
import { logIsCutOff } from "#shared/log/find-states-of-longer.ts";
import { readLog } from "#shared/log/read-log.ts";
import type { Store } from "#shared/store/store.ts";
import type { Strays } from "./look-at-strays.ts";
import type { Survey } from "./survey-store.ts";

/**
 * Why the log cannot be all that there was: states tell of more entries; or there are states and no entry at all; or states that no entry publishes hold
 * more of the store than one run may give up.
 *
 * @param options.isOld - whether an object of that time of the store's clock may be abandoned
 * @param options.limitShare - 0 to 1
 * @returns a sentence; undefined: nothing speaks for it
 */
export async function doubtOf(options: {
  readonly store: Store;
  readonly survey: Survey;
  readonly strays: Strays;
  readonly isOld: (modifiedMs: number) => boolean;
  readonly limitShare: number;
  readonly signal?: AbortSignal;
}): Promise<string | undefined> {
  const { store, survey, strays, isOld, limitShare, ...stoppable } = options;
  const consequence =
    "Nothing is marked or deleted. Run `holdfast repair`, or add --accept-rollback to go on all the same";
  if (strays.proof !== undefined) {
    // It may have been staged since the log was read.
    const { seq } = await readLog({ store, from: survey.state, ...stoppable });
    const { baseSeq, key } = strays.proof;
    if (baseSeq > seq) return `${logIsCutOff(seq, baseSeq, key).message}. ${consequence}`;
  }
  const old = survey.unpublished.filter(
    ({ stateId, modifiedMs = Number.NaN }) => !strays.foreignStates.has(stateId) && isOld(modifiedMs),
  );
  if (old.length === 0) return undefined;
  if (survey.state.seq === 0)
    return `No log entry is there, and ${old.length} old states are: first backups that were not finished left them, or the log is lost. ${consequence}`;
  const { storedBytes, stagedBytes } = bytesOf(survey, strays, isOld);
  if (!(stagedBytes > limitShare * storedBytes)) return undefined;
  const share = Math.round((stagedBytes / storedBytes) * 100);
  return `The log seems to have lost entries: ${old.length} snapshots that no entry publishes hold ${share} % of the store. ${consequence}`;
}

/** Bytes of all packs, and of those that only unpublished states add, are old, and are not given up yet. */
function bytesOf(
  { packs, state }: Survey,
  { stagedPacks }: Strays,
  isOld: (modifiedMs: number) => boolean,
): { readonly storedBytes: number; readonly stagedBytes: number } {
  const isStaged = (packId: PackId): boolean =>
    stagedPacks.has(packId) && !state.condemned.has(packId) && !state.swept.has(packId);
  let [storedBytes, stagedBytes] = [0, 0];
  for (let row = 0; row < packs.size; row++) {
    const sizeBytes = packs.sizeBytes(row);
    storedBytes += sizeBytes;
    if (isStaged(packs.ids.idAt(row)) && isOld(packs.modifiedMs(row))) stagedBytes += sizeBytes;
  }
  return { storedBytes, stagedBytes };
}
