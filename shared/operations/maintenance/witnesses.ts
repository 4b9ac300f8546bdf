import type { Clock } from "#shared/clock.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { LogMoment } from "#shared/format/checkpoint.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { readPresentEntry } from "#shared/log/read-entry.ts";
import { stopIfAborted } from "#shared/log/stop-if-aborted.ts";
import { logKey, logPrefix, seqOfKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";

/** What this machine's clock and the store's may differ by, milliseconds. */
export const clockToleranceMs = 3_600_000;
/** A longer silence of the log is doubted once, unless the grace period is longer still, milliseconds. */
const silenceMs = 30 * 24 * 3_600_000;

/** The clocks that tell how long ago an entry of the log was written: this machine's, by the time in the entry, and the store's, by the time of its object. */
export type Witnesses = {
  /** This machine's clock when they were asked, milliseconds since 1970 UTC. */
  readonly hostMs: number;
  /** The store's clock; this machine's, where the store tells none. */
  readonly storeMs: number;
  /** Whether the two agree, or the store tells none. */
  readonly agree: boolean;
  /** How long ago the newest entry was written, by its own time; undefined: the log is empty. */
  readonly silentMs: number | undefined;
  /** The age of an entry by the store's clock; undefined: the store tells no times. An entry that came later has none. */
  readonly storeAgeMs: (moment: LogMoment) => number | undefined;
};

/**
 * Asks the clocks. One listing of the log, from the first entry on that condemned or removed something that is left, and two requests.
 *
 * @param options.acceptsClock - the two clocks may differ
 * @throws {HoldfastError} unavailable: they do
 */
export async function askWitnesses(options: {
  readonly store: Store;
  readonly state: LogState;
  readonly clock: Clock;
  readonly acceptsClock: boolean;
  readonly signal?: AbortSignal;
}): Promise<Witnesses> {
  const { store, state, clock, acceptsClock, signal } = options;
  const storeClockMs = await store.clockMs?.();
  const hostMs = clock.nowMs();
  const storeMs = storeClockMs ?? hostMs;
  const agree = Math.abs(hostMs - storeMs) <= clockToleranceMs;
  if (!agree && !acceptsClock) throw clocksDiffer(hostMs, storeMs);
  const wanted = new Set<number>();
  for (const { seq } of state.condemned.values()) wanted.add(seq);
  for (const { removed } of state.snapshots.values()) if (removed !== undefined) wanted.add(removed.seq);
  const times = new Map<number, number>();
  let tellsTimes = false;
  const first = [...wanted].reduce((least, seq) => Math.min(least, seq), state.seq);
  const after = first > 1 ? { after: logKey(first - 1) } : {};
  let keys = 0;
  for await (const { key, modifiedMs } of store.list(logPrefix, after)) {
    if ((++keys & 1023) === 0) stopIfAborted(signal);
    if (modifiedMs === undefined) continue;
    tellsTimes = true;
    const seq = seqOfKey(key);
    if (wanted.has(seq)) times.set(seq, modifiedMs);
  }
  return {
    hostMs,
    storeMs,
    agree,
    silentMs: state.seq === 0 ? undefined : hostMs - (await readPresentEntry(store, state.seq)).entry.timeMs,
    storeAgeMs: ({ seq }) => {
      if (!tellsTimes) return undefined;
      const modifiedMs = times.get(seq);
      return modifiedMs === undefined ? 0 : storeMs - modifiedMs;
    },
  };
}

/** How long ago something was condemned, as far as both clocks agree, milliseconds. Below zero: it is in the future of one. */
export function ageOf({ hostMs, storeAgeMs }: Pick<Witnesses, "hostMs" | "storeAgeMs">, moment: LogMoment): number {
  return Math.min(hostMs - moment.timeMs, storeAgeMs(moment) ?? Number.POSITIVE_INFINITY);
}

/** As `ageOf`, of what cannot be said anew, such as a removal: a time in the future does not count where the store's clock tells the age as well. */
export function ageOfRemoval(witnesses: Pick<Witnesses, "hostMs" | "storeAgeMs">, moment: LogMoment): number {
  const storeAgeMs = witnesses.storeAgeMs(moment);
  const isInFuture = moment.timeMs > witnesses.hostMs + clockToleranceMs;
  return isInFuture && storeAgeMs !== undefined ? storeAgeMs : ageOf(witnesses, moment);
}

/** Whether the log was silent for so long that this machine's clock may have jumped. */
export function mayHaveJumped({ silentMs }: Pick<Witnesses, "silentMs">, graceMs: number): boolean {
  return silentMs !== undefined && silentMs > Math.max(graceMs, silenceMs);
}

function clocksDiffer(hostMs: number, storeMs: number): HoldfastError {
  const hours = Math.round(Math.abs(hostMs - storeMs) / 3_600_000);
  const far = hours < 72 ? `${hours} hours` : `${Math.round(hours / 24)} days`;
  const which = hostMs > storeMs ? "ahead of" : "behind";
  const message = `Cannot tell what may be deleted: this machine's clock is ${far} ${which} the store's (${timeOf(hostMs)}, ${timeOf(storeMs)})`;
  return new HoldfastError("unavailable", `${message}. Nothing was marked or deleted`, {
    detail: { hostMs, storeMs },
    hint: "Set the clock that is wrong. Where the store's clock cannot be set, go on with --accept-clock: the grace period must then have passed by both clocks.",
  });
}

function timeOf(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString().slice(0, 19) : String(ms);
}
