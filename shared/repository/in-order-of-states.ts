import type { StateId } from "#shared/format/ids.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";
import { type HoldfastError, isHoldfastError } from "#shared/errors.ts";

/** States read at once. */
export const inFlightStates = 16;

/** Something of the store that could not be read while it was opened; the rest is usable. */
export type RepositoryProblem = { readonly stateId: StateId; readonly error: HoldfastError };

/**
 * Reads something of published states, several at once, and uses the results in the order of the states.
 *
 * @returns those that could not be read
 * @throws {HoldfastError} what is no fault of a state
 */
export async function inOrderOfStates<Read>(
  records: readonly SnapshotRecord[],
  read: (record: SnapshotRecord) => Promise<Read>,
  use: (record: SnapshotRecord, read: Read) => void,
): Promise<RepositoryProblem[]> {
  const failed: RepositoryProblem[] = [];
  for (let from = 0; from < records.length; from += inFlightStates) {
    const batch = records.slice(from, from + inFlightStates);
    const results = await Promise.allSettled(batch.map((record) => read(record)));
    for (const [index, result] of results.entries()) {
      const record = batch[index];
      if (record === undefined) continue;
      if (result.status === "fulfilled") use(record, result.value);
      else if (isHoldfastError(result.reason, "corrupt", "incompatible")) {
        failed.push({ stateId: record.stateId, error: result.reason });
      } else throw result.reason;
    }
  }
  return failed;
}
