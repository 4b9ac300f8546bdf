import type { Clock } from "#shared/clock.ts";
import type { ErrorKind } from "#shared/errors.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { Random } from "#shared/random.ts";
import { unlessAborted } from "#shared/unless-aborted.ts";
import { eachAtOnce } from "./each-at-once.ts";
import { doctorPrefix } from "./object-key.ts";
import type { ProbeBench, ProbeFinding } from "./probe-checks.ts";
import { probeChecks } from "./probe-checks.ts";
import type { Store } from "./store.ts";

/** Options of `probeStore`. */
export type ProbeStoreOptions = {
  readonly clock: Clock;
  readonly random: Random;
  /** How many creators race for one name. Default 32. */
  readonly racers?: number;
  /** How many objects the listing has to give; S3 pages have 1,000. Default 1,100. */
  readonly listedKeys?: number;
  /** How long a check may take before it has failed. Default 2 min. */
  readonly checkLimitMs?: number;
  /** Is told of each check as it ends. */
  readonly onCheck?: (check: ProbedCheck) => void;
  /** Stops the probe: what it created is removed, as far as some seconds allow, and the signal's reason is thrown. */
  readonly signal?: AbortSignal;
  /** Removes what the store itself keeps beside objects that are gone, such as directories. Is given what all keys of the probe began with. */
  readonly tidy?: (prefix: string) => Promise<void>;
};

/**
 * A check and how it ended; `kind` and `hint` are those of the error that ended it, if one did. `unknown`: it could not be done, for the store was
 * unavailable, or the disk full, or a limit of this process in the way.
 */
export type ProbedCheck = {
  readonly name: string;
  readonly outcome: ProbeFinding["outcome"] | "unknown";
  readonly explanation: string;
  readonly kind?: ErrorKind;
  readonly hint?: string;
};

/** What `probeStore` found. `unfit`: some check failed, and the store must not be used. `unknown`: none did, and some could not be done. */
export type ProbeReport = { readonly checks: readonly ProbedCheck[]; readonly fitness: "fit" | "unfit" | "unknown" };

/** How long what was begun before a stop is waited for, and then how long is cleaned up. */
const afterStopMs = { settle: 2000, cleanUp: 5000 };

/**
 * Tries out whether a store keeps the promises of `Store`, with objects of its own under `doctor/<random>/`.
 *
 * Nothing else in the store is read or touched, and what was created is removed, as far as the store allows. A store that fails,
 * hangs, crashes or returns other bytes than it was given ends up in the report, never in an exception. Give the store as it
 * is: a retrying wrapper would hide what is to be seen. A check that the store was once unavailable for is done again, and warns.
 *
 * @throws the reason of `signal`, and nothing else
 */
export async function probeStore(store: Store, options: ProbeStoreOptions): Promise<ProbeReport> {
  const { clock, random, racers = 32, listedKeys = 1100, checkLimitMs = 120_000, onCheck, signal, tidy } = options;
  const prefix = `${doctorPrefix}${Buffer.from(random(8)).toString("hex")}/`;
  const created = new Set<string>();
  const running = new Set<Promise<void>>();
  let isAnswered = false;
  const put: Store["put"] = async (key, body, putOptions) => {
    signal?.throwIfAborted();
    created.add(key);
    const call = store.put(key, body, putOptions);
    const ended = call.then(
      () => undefined,
      () => undefined,
    );
    running.add(ended);
    void ended.then(() => {
      running.delete(ended);
      isAnswered = true;
    });
    return call;
  };
  const bench: ProbeBench = { store, clock, random, prefix, racers, listedKeys, put };
  const checks: ProbedCheck[] = [];
  const note = (name: string, finding: Omit<ProbedCheck, "name">): void => {
    const check = { name, ...finding };
    checks.push(check);
    onCheck?.(check);
  };
  const cleaned = (limitMs: number): Promise<string | undefined> =>
    withinLimit(clock, limitMs, async () => {
      await cleanUp(store, created);
      await tidy?.(prefix);
      return undefined;
    }).catch(sentenceOf);

  try {
    for (const { name, run } of probeChecks) {
      const attempt = (at: ProbeBench): Promise<ProbeFinding> => {
        const finding = withinLimit(clock, checkLimitMs, () => run(at));
        return signal === undefined ? finding : unlessAborted(finding, signal);
      };
      const again = { ...bench, prefix: `${prefix}again/` };
      const finding = await attempt(bench).catch((error: unknown) =>
        isPassing(error) && signal?.aborted !== true ? secondTry(error, () => attempt(again)) : failureOf(error),
      );
      signal?.throwIfAborted();
      note(name, finding);
      // A store that cannot even be written and read says the same thing ten times more.
      if (checks.length === 1 && (finding.outcome === "fail" || finding.outcome === "unknown")) break;
    }
  } catch (error) {
    // One that never answered is not waited for.
    if (isAnswered) {
      await withinLimit(clock, afterStopMs.settle, () => Promise.all(running)).catch(sentenceOf);
      await cleaned(afterStopMs.cleanUp);
    }
    throw error;
  }
  const left = await cleaned(checkLimitMs);
  note(
    "clean-up",
    left === undefined
      ? { outcome: "pass", explanation: "the objects of this probe are removed again" }
      : { outcome: "warn", explanation: `objects may be left under ${prefix}: ${left}` },
  );
  const isAny = (outcome: ProbedCheck["outcome"]): boolean => checks.some((check) => check.outcome === outcome);
  return { checks, fitness: isAny("fail") ? "unfit" : isAny("unknown") ? "unknown" : "fit" };
}

/** Whether a check ended with what any store may do once, such as break a connection that was idle. */
function isPassing(error: unknown): error is HoldfastError {
  return isHoldfastError(error, "unavailable") && error.detail["limitMs"] === undefined;
}

/** Answers of a server that say only that it cannot do it now: too many requests, out of service, out of space. */
const passingStatus: readonly unknown[] = [undefined, 429, 503, 507];

/** Whether an error says nothing of what the store can do: no answer, a full disk, a limit of this process; not a server that fails at it. */
function tellsNothing(error: HoldfastError): boolean {
  return isPassing(error) && passingStatus.includes(error.detail["httpStatus"]);
}

/** What a check comes to that is tried again: at best a warning. */
async function secondTry(
  first: HoldfastError,
  second: () => Promise<ProbeFinding>,
): Promise<Omit<ProbedCheck, "name">> {
  try {
    const { outcome, explanation } = await second();
    if (outcome === "fail") return { outcome, explanation };
    return { outcome: "warn", explanation: `${explanation}; a first try failed: ${first.message}` };
  } catch (error) {
    return failureOf(error);
  }
}

/** What fails beside others is tried once more alone: few files may be open at once. */
async function cleanUp(store: Store, created: ReadonlySet<string>): Promise<void> {
  const left: string[] = [];
  await eachAtOnce(created, 32, async (key) => {
    await store.delete(key).catch(() => left.push(key));
  });
  let failure: unknown;
  for (const key of left) {
    if (failure === undefined) await store.delete(key).catch((error: unknown) => (failure = error));
  }
  if (failure !== undefined) throw failure;
}

async function withinLimit<T>(clock: Clock, limitMs: number, action: () => Promise<T>): Promise<T> {
  const done = new AbortController();
  const limit = clock.sleep(limitMs, done.signal).then(
    () => {
      throw new HoldfastError("unavailable", `no answer within ${limitMs / 1000} s`, { detail: { limitMs } });
    },
    () => new Promise<never>(() => undefined), // woken because the action has ended
  );
  try {
    return await Promise.race([action(), limit]);
  } finally {
    done.abort();
  }
}

function failureOf(error: unknown): Omit<ProbedCheck, "name"> {
  const explanation = sentenceOf(error);
  if (!isHoldfastError(error)) return { outcome: "fail", explanation };
  const { kind, hint } = error;
  const outcome = tellsNothing(error) ? "unknown" : "fail";
  return { outcome, explanation, kind, ...(hint === undefined ? {} : { hint }) };
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
