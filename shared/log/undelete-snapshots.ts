import { HoldfastError } from "#shared/errors.ts";
import type { StateId } from "#shared/format/ids.ts";
import type { PackReference } from "#shared/format/state.ts";
import { appendEntry, type Appended, type Appender } from "./append-entry.ts";
import { inParallel } from "./in-parallel.ts";
import { readLog } from "./read-log.ts";
import { readStateHead } from "./read-state-head.ts";
import { resolvePacks } from "./resolve-row.ts";
import { checkUndelete } from "./rules/check-undelete.ts";
import { violationError } from "./violation.ts";

const inFlightHeads = 4;

/**
 * Brings removed snapshots back by one log entry. Those that are not removed are passed over, so it may be called again after a failure.
 *
 * Reads the head of each removed one's state, 4 at a time, to see that all its packs are still there; keeps their references only.
 *
 * @returns `appended` false when none of them was removed
 * @throws {HoldfastError} absent: one of them is not in the log, or its state is not in the store; none is brought back
 * @throws {HoldfastError} conflict: a pack that one needs was swept (`detail.rule`, `detail.ids`); none is brought back
 * @throws {HoldfastError} as `appendEntry`
 */
export async function undeleteSnapshots(appender: Appender, snapshots: readonly StateId[]): Promise<Appended> {
  const { atLeast, ...rest } = appender;
  const { store, signal } = rest;
  const distinct = [...new Set(snapshots)];
  const from = await readLog({
    store,
    from: appender.from,
    ...(atLeast === undefined ? {} : { atLeast }),
    ...(signal === undefined ? {} : { signal }),
  });
  const references = new Map<StateId, readonly PackReference[]>();
  await inParallel(distinct, inFlightHeads, async (stateId) => {
    const record = from.snapshots.get(stateId);
    if (record?.removed === undefined) return;
    const { head } = await readStateHead(store, from.storeId, record);
    references.set(stateId, head.references);
  });
  const referencesOf = (stateId: StateId): readonly PackReference[] => {
    const known = references.get(stateId);
    if (known !== undefined) return known;
    throw new HoldfastError("conflict", `Cannot bring back snapshot ${stateId}: it was removed only a moment ago`, {
      hint: "Run the command again.",
    });
  };
  return appendEntry({ ...rest, from }, (state) => {
    const removed = distinct.filter((each) => {
      const record = state.snapshots.get(each);
      return record === undefined || record.removed !== undefined;
    });
    if (removed.length === 0) return [];
    const needed = new Set(
      removed.flatMap((each) => (state.snapshots.has(each) ? [...resolvePacks(state, referencesOf(each))] : [])),
    );
    const revive = [...needed].filter((packId) => state.condemned.has(packId)).sort();
    const event = { type: "undelete", snapshots: removed, revive } as const;
    const found = checkUndelete(state, event, { referencesOf });
    if (found !== undefined) throw violationError("Cannot bring back snapshots", found);
    return [event];
  });
}
