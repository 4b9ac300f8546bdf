import { appendEntry, type Appender } from "#shared/log/append-entry.ts";
import type { LogState } from "#shared/log/log-state.ts";
import type { Checkpoint } from "#shared/log/read-checkpoint.ts";

/**
 * Goes on behind a checkpoint that folds more entries than the log has left: by the entry after those, which vouches for it. From then on readers
 * begin with the checkpoint.
 *
 * @returns the newest log; where others were first, theirs
 * @throws {HoldfastError} as `appendEntry`
 */
export async function resumeLog(appender: Appender, { fold, seq, sha256 }: Checkpoint): Promise<LogState> {
  const resumed = await appendEntry({ ...appender, from: fold, isFromCheckpoint: true }, (folded) =>
    folded.seq === seq ? [{ type: "checkpoint", seq, sha256 }] : [],
  );
  return resumed.state;
}
