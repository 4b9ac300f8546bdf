import { systemClock } from "#shared/clock.ts";
import { bundleKeys } from "#shared/crypto/bundle.ts";
import { type HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { findStatesOfLonger, type StatesOfLonger } from "#shared/log/find-states-of-longer.ts";
import { logMark, type LogState } from "#shared/log/log-state.ts";
import { requireMark } from "#shared/log/read-log.ts";
import { type SalvagedLog, salvageLog } from "#shared/operations/repair/salvage-log.ts";
import { systemRandom } from "#shared/random.ts";
import { readConfig } from "#shared/repository/open-repository.ts";
import { Repository } from "#shared/repository/repository.ts";
import type { EngineParts } from "./engine-parts.ts";
import { proveBucket } from "./prove-bucket.ts";
import { requireClock } from "./require-clock.ts";
import { marksOf, signerOf, steadyStore, unlock } from "./session.ts";

/** A store that may be damaged, unlocked with an owner's key as far as that goes. */
export type DamagedSession = {
  readonly repository: Repository;
  readonly log: SalvagedLog;
  /** The states that the log does not name. */
  readonly beside: StatesOfLonger;
  /** What this host has seen of the log before and the store does not bear out; undefined: all is as it was. */
  readonly rollback: HoldfastError | undefined;
  /** Keeps what is there now as what was seen of the log, in the place of what was seen before where that is borne out no more. */
  readonly remember: (log: LogState) => void;
};

/**
 * Opens a store as far as it can be opened: the log may have holes. Nothing is cached, and nothing remembered.
 *
 * @param use - as of `openSession`
 */
export async function openDamaged(parts: EngineParts, use: "read" | "write"): Promise<DamagedSession> {
  if (use === "write") requireClock();
  const store = steadyStore(parts);
  const read = await readConfig(store);
  const signer = await signerOf(parts, use);
  if (use === "write") await proveBucket(parts, store);
  const { bundle } = await unlock(parts, store, read);
  const log = await salvageLog(store, read.config.storeId);
  const beside = await findStatesOfLonger(store, log.state);
  if (beside.states > 0) {
    const message = `${beside.states} states are there that no log entry publishes: backups that were interrupted or are running left them, or entries are lost.`;
    parts.reporter.notice({ level: "info", message });
  }
  const marks = marksOf(parts, read.config.storeId);
  const seen = marks.read();
  let rollback: HoldfastError | undefined;
  try {
    await requireMark({ store, state: log.state, from: log.state, mark: seen });
  } catch (error) {
    if (!isHoldfastError(error, "corrupt") || !("seen" in error.detail)) throw error;
    rollback = error;
  }
  const repository = new Repository({
    store,
    ...read,
    keys: await bundleKeys(bundle),
    log: log.state,
    checkpoint: log.checkpoint,
    signer,
    clock: systemClock,
    random: systemRandom,
  });
  const remember = (state: LogState): void => {
    if (state.seq === 0) return;
    if (rollback === undefined) marks.write(logMark(state));
    else marks.accept(logMark(state));
  };
  return { repository, log, beside, rollback, remember };
}
