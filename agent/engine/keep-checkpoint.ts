import { isHoldfastError } from "#shared/errors.ts";
import { isCheckpointDue } from "#shared/log/checkpoint-policy.ts";
import { logMark } from "#shared/log/log-state.ts";
import { writeCheckpoint } from "#shared/log/write-checkpoint.ts";
import type { Reporter } from "#shared/operations/progress.ts";
import type { Repository } from "#shared/repository/repository.ts";

/** States that a backup reads for a checkpoint at most: a few seconds' work far away. The next one takes in more. */
const statesMax = 512;

/**
 * Writes a checkpoint after a commit where one is due, so that the next opening of the store is quick. That it cannot be written, or that
 * the key given to this host may not, is no failure of anything: maintenance writes one too.
 */
export async function keepCheckpoint(
  repository: Repository,
  options: { readonly reporter: Pick<Reporter, "notice">; readonly signal: AbortSignal },
): Promise<void> {
  if (!isCheckpointDue(repository.log)) return;
  const { store, signer, clock, random, log } = repository;
  try {
    const appender = { store, signer, clock, random, from: log, atLeast: logMark(log), signal: options.signal };
    const { state } = await writeCheckpoint(appender, { statesMax });
    if (state.seq > repository.log.seq) repository.log = state;
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    const level = error.kind === "denied" || error.kind === "conflict" ? "info" : "warning";
    options.reporter.notice({ level, message: `No checkpoint was written: ${error.message}` });
  }
}
