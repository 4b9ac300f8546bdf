import type { Clock } from "#shared/clock.ts";
import type { ErrorKind } from "#shared/errors.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { Random } from "#shared/random.ts";
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
};

/** A check and how it ended; `kind` is that of the error that ended it, if one did. */
export type ProbedCheck = ProbeFinding & { readonly name: string; readonly kind?: ErrorKind };

/** What `probeStore` found. `unfit`: some check failed, and the store must not be used. */
export type ProbeReport = { readonly checks: readonly ProbedCheck[]; readonly fitness: "fit" | "unfit" };

/**
 * Tries out whether a store keeps the promises of `Store`, with objects of its own under `doctor/<random>/`.
 *
 * Nothing else in the store is read or touched, and what was created is removed, as far as the store allows. A store that fails,
 * hangs, crashes or returns other bytes than it was given ends up in the report, never in an exception. Give the store as it
 * is: a retrying wrapper would hide what is to be seen. A check that the store was once unavailable for is done again, and warns.
 */
export async function probeStore(store: Store, options: ProbeStoreOptions): Promise<ProbeReport> {
  const { clock, random, racers = 32, listedKeys = 1100, checkLimitMs = 120_000, onCheck } = options;
  const prefix = `${doctorPrefix}${Buffer.from(random(8)).toString("hex")}/`;
  const created = new Set<string>();
  const put: Store["put"] = (key, body, putOptions) => {
    created.add(key);
    return store.put(key, body, putOptions);
  };
  const bench: ProbeBench = { store, clock, random, prefix, racers, listedKeys, put };
  const checks: ProbedCheck[] = [];
  const note = (name: string, finding: Omit<ProbedCheck, "name">): void => {
    const check = { name, ...finding };
    checks.push(check);
    onCheck?.(check);
  };

  for (const { name, run } of probeChecks) {
    const attempt = (at: ProbeBench): Promise<ProbeFinding> => withinLimit(clock, checkLimitMs, () => run(at));
    const again = { ...bench, prefix: `${prefix}again/` };
    note(
      name,
      await attempt(bench).catch((error: unknown) =>
        isPassing(error) ? secondTry(error, attempt(again)) : failureOf(error),
      ),
    );
    // A store that cannot even be written and read says the same thing ten times more.
    if (checks.length === 1 && checks[0]?.outcome === "fail") break;
  }
  const cleaned = await withinLimit(clock, checkLimitMs, () => cleanUp(store, created)).catch(sentenceOf);
  note(
    "clean-up",
    cleaned === undefined
      ? { outcome: "pass", explanation: "the objects of this probe are removed again" }
      : { outcome: "warn", explanation: `objects may be left under ${prefix}: ${cleaned}` },
  );
  return { checks, fitness: checks.some(({ outcome }) => outcome === "fail") ? "unfit" : "fit" };
}

/** Whether a check ended with what any store may do once, such as break a connection that was idle. */
function isPassing(error: unknown): error is HoldfastError {
  return isHoldfastError(error, "unavailable") && error.detail["limitMs"] === undefined;
}

/** What a check comes to that is tried again: at best a warning. */
async function secondTry(first: HoldfastError, second: Promise<ProbeFinding>): Promise<Omit<ProbedCheck, "name">> {
  try {
    const { outcome, explanation } = await second;
    if (outcome === "fail") return { outcome, explanation };
    return { outcome: "warn", explanation: `${explanation}; a first try failed: ${first.message}` };
  } catch (error) {
    return failureOf(error);
  }
}

async function cleanUp(store: Store, created: ReadonlySet<string>): Promise<undefined> {
  let failure: unknown;
  await eachAtOnce(created, 32, async (key) => {
    await store.delete(key).catch((error: unknown) => (failure ??= error));
  });
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
  return isHoldfastError(error) ? { outcome: "fail", explanation, kind: error.kind } : { outcome: "fail", explanation };
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
