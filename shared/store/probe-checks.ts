import { createHash } from "node:crypto";
import type { Clock } from "#shared/clock.ts";
import { isHoldfastError } from "#shared/errors.ts";
import type { ErrorKind, HoldfastError } from "#shared/errors.ts";
import type { Random } from "#shared/random.ts";
import { eachAtOnce } from "./each-at-once.ts";
import type { Store } from "./store.ts";

/** What a check works with. Objects are created by `put` only, so that they can be removed afterwards. */
export type ProbeBench = {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** What all keys of this probe begin with; ends in `/`. */
  readonly prefix: string;
  readonly racers: number;
  readonly listedKeys: number;
  /** Puts an object and remembers that it may exist. */
  readonly put: Store["put"];
};

/** How a check ended. `fail`: the store must not be used. `warn`: it may, and something is weaker than it could be. */
export type ProbeFinding = { readonly outcome: "pass" | "fail" | "warn"; readonly explanation: string };

/** One check: its name, and how it is done. What it throws is a failure too; `unavailable` tells nothing of what the store can do. */
export type ProbeCheck = { readonly name: string; readonly run: (bench: ProbeBench) => Promise<ProbeFinding> };

const atOnce = 32;
const mebibyte = 1 << 20;

/** The checks of `probeStore`, in order. The first one tells whether it makes sense to go on. */
export const probeChecks: readonly ProbeCheck[] = [
  { name: "write and read", run: writeAndRead },
  { name: "large objects", run: largeObjects },
  { name: "create if absent", run: createIfAbsent },
  { name: "racing creators", run: racingCreators },
  { name: "ranges", run: ranges },
  { name: "absent objects", run: absentObjects },
  { name: "listing", run: listing },
  { name: "damaged uploads", run: damagedUploads },
  { name: "stored checksums", run: storedChecksums },
  { name: "delete", run: deleting },
  { name: "latency", run: latency },
];

async function writeAndRead({ store, prefix, random, put }: ProbeBench): Promise<ProbeFinding> {
  for (const sizeBytes of [1000, 1, 0]) {
    const key = `${prefix}read/${sizeBytes}`;
    const body = random(sizeBytes);
    await put(key, [body]);
    const back = await store.get(key).catch((error: unknown) => {
      if (isHoldfastError(error, "absent")) return undefined;
      throw error;
    });
    if (back === undefined) return fail("what was just written is not there");
    if (Buffer.compare(back, body) !== 0)
      return fail(`${sizeBytes} bytes were written, and ${different(back, body)} came back`);
    const { sizeBytes: told } = await store.head(key);
    if (told !== sizeBytes) return fail(`an object of ${sizeBytes} bytes is said to have ${told}`);
  }
  return pass("what is written comes back");
}

async function largeObjects({ store, prefix, random, put }: ProbeBench): Promise<ProbeFinding> {
  const body = random(5 * mebibyte + 1);
  await put(`${prefix}large`, [body.subarray(0, 100), body.subarray(100)], { sha256: hashOf(body) });
  const back = await store.get(`${prefix}large`);
  if (Buffer.compare(back, body) !== 0) return fail(`5 MiB were written, and ${different(back, body)} came back`);
  return pass("5 MiB come back as they were written");
}

async function createIfAbsent({ store, prefix, put }: ProbeBench): Promise<ProbeFinding> {
  const key = `${prefix}once`;
  const first = Buffer.from("first");
  await put(key, [first]);
  const second = await kindOf(put(key, [Buffer.from("second")]));
  const changed = Buffer.compare(await store.get(key), first) !== 0;
  if (second === "no error") {
    const loss = changed ? "replaced the object" : "was reported as done";
    return fail(`a second create of the same name ${loss}: this store cannot arbitrate commits`);
  }
  if (changed) return fail("a refused create has changed the object: this store cannot arbitrate commits");
  if (second !== "conflict") return fail(`a second create of the same name ended as ${second} instead of conflict`);
  return pass("a name can be created once only");
}

async function racingCreators({ store, prefix, random, racers, put }: ProbeBench): Promise<ProbeFinding> {
  let unclear = 0;
  for (const [round, sizeBytes] of [100, 100_000, 100].entries()) {
    const key = `${prefix}race/${round}`;
    const bodies = Array.from({ length: racers }, () => random(sizeBytes));
    const errors = await Promise.all(bodies.map((body) => errorOf(put(key, [body]))));
    const winners = errors.flatMap((error, racer) => (error === undefined ? [racer] : []));
    if (winners.length > 1) {
      return fail(
        `${winners.length} of ${racers} racing creators were told that they won: this store cannot arbitrate commits`,
      );
    }
    // Where no creator was answered there need be nothing.
    const silence = errors.find((error) => error?.kind === "unavailable");
    if (silence !== undefined && errors.every((error) => error?.kind === "unavailable")) throw silence;
    const there = await store.get(key);
    const owner = bodies.findIndex((body) => Buffer.compare(body, there) === 0);
    if (owner < 0) return fail("the object that racing creators left belongs to none of them");
    if (winners[0] !== undefined && winners[0] !== owner)
      return fail("one creator was told that it won, and another's object is there");
    const strange = errors.find(
      (error) => error !== undefined && error.kind !== "conflict" && error.kind !== "unavailable",
    );
    if (strange !== undefined)
      return fail(`a creator that lost the race was told "${strange.kind}" instead of conflict`);
    unclear += errors.filter((error) => error?.kind === "unavailable").length;
  }
  if (unclear > 0)
    return warn(`of ${racers} racing creators never more than one won, but ${unclear} got no clear answer`);
  return pass(`of ${racers} racing creators exactly one won, three times`);
}

async function ranges({ store, prefix, random, put }: ProbeBench): Promise<ProbeFinding> {
  const key = `${prefix}ranged`;
  const body = random(100_000);
  await put(key, [body]);
  for (const [offsetBytes, lengthBytes] of [
    [0, 1],
    [0, 1000],
    [50_001, 777],
    [99_999, 1],
    [0, 100_000],
  ] as const) {
    const part = await store.get(key, { offsetBytes, lengthBytes });
    if (Buffer.compare(part, body.subarray(offsetBytes, offsetBytes + lengthBytes)) !== 0) {
      return fail(`${lengthBytes} bytes from byte ${offsetBytes} were asked for, and others came`);
    }
  }
  for (const [offsetBytes, lengthBytes] of [
    [99_999, 2],
    [100_000, 1],
  ] as const) {
    const outcome = await kindOf(store.get(key, { offsetBytes, lengthBytes }));
    if (outcome !== "corrupt") return fail(`a range behind the end ended as ${outcome}`);
  }
  return pass("parts of objects can be read exactly");
}

async function absentObjects({ store, prefix }: ProbeBench): Promise<ProbeFinding> {
  const outcomes = [await kindOf(store.get(`${prefix}nothing`)), await kindOf(store.head(`${prefix}nothing`))];
  if (outcomes.every((outcome) => outcome === "absent")) return pass("what is not there is reported as absent");
  if (outcomes.every((outcome) => outcome === "absent" || outcome === "denied")) {
    return warn("what is not there is reported as denied: on S3 these credentials lack s3:ListBucket");
  }
  return fail(`what is not there is reported as ${outcomes.join(" and ")}`);
}

async function listing({ store, prefix, listedKeys, put }: ProbeBench): Promise<ProbeFinding> {
  const keys = ["a-b", "a/b", "a0", "a.b"].map((name) => `${prefix}list/${name}`);
  for (let index = 0; index < listedKeys; index++) keys.push(`${prefix}list/n/${String(index).padStart(6, "0")}`);
  await eachAtOnce(keys, atOnce, (key) => put(key, []));
  keys.sort();
  let seen = 0;
  for await (const { key, sizeBytes } of store.list(`${prefix}list/`)) {
    if (key !== keys[seen]) return fail(`listing gave ${key} where ${keys[seen] ?? "the end"} was due`);
    if (sizeBytes !== 0) return fail(`listing says that an empty object has ${sizeBytes} bytes`);
    seen++;
  }
  if (seen !== keys.length) return fail(`listing ended after ${seen} of ${keys.length} objects`);
  const middle = keys.length >> 1;
  let next = middle + 1;
  for await (const { key } of store.list(`${prefix}list/`, { after: keys[middle] ?? "" })) {
    if (key !== keys[next])
      return fail(`a listing that begins in the middle gave ${key} where ${keys[next] ?? "the end"} was due`);
    if (++next > middle + 10) break;
  }
  return pass(`${keys.length} objects are listed, each once and in order`);
}

async function damagedUploads({ store, prefix, random, put }: ProbeBench): Promise<ProbeFinding> {
  const key = `${prefix}damaged`;
  const outcome = await kindOf(put(key, [random(1000)], { sha256: random(32) }));
  const there = await kindOf(store.head(key));
  if (outcome === "no error")
    return warn("a body that does not match its SHA-256 is accepted: damage on the way is found only when it is read");
  if (there === "no error") return fail("a body that does not match its SHA-256 is refused and created all the same");
  if (outcome !== "corrupt") return warn(`a body that does not match its SHA-256 ended as ${outcome}`);
  return pass("a body that does not match its SHA-256 is refused");
}

async function storedChecksums({ store, prefix, random, put }: ProbeBench): Promise<ProbeFinding> {
  const body = random(1000);
  const expected = hashOf(body);
  await put(`${prefix}summed`, [body], { sha256: expected });
  const { sha256 } = await store.head(`${prefix}summed`);
  if (sha256 === undefined)
    return warn("the store does not tell the SHA-256 of objects: checking them means reading them");
  if (Buffer.compare(sha256, expected) !== 0) return fail("the store tells a wrong SHA-256");
  return pass("the store tells the SHA-256 of objects");
}

async function deleting({ store, prefix, put }: ProbeBench): Promise<ProbeFinding> {
  const key = `${prefix}gone`;
  await put(key, [Buffer.from("x")]);
  const outcome = await kindOf(store.delete(key));
  if (outcome === "denied")
    return warn("these credentials may not delete: good for a backup agent, and maintenance needs others");
  if (outcome !== "no error") return fail(`deleting ended as ${outcome}`);
  const again = await kindOf(store.delete(key));
  if (again !== "no error") return fail(`deleting what is gone ended as ${again}`);
  const left = await kindOf(store.get(key));
  if (left !== "absent") return fail(`a deleted object reads as ${left}`);
  await put(key, [Buffer.from("y")]);
  return pass("objects can be deleted, and their names used again");
}

async function latency({ store, clock, prefix, random, put }: ProbeBench): Promise<ProbeFinding> {
  const body = random(4096);
  const keys = Array.from({ length: 20 }, (_, index) => `${prefix}timed/${index}`);
  const timed = async (call: (key: string) => Promise<unknown>): Promise<string> => {
    const times: number[] = [];
    for (const key of keys) {
      const beginMs = clock.nowMs();
      await call(key);
      times.push(clock.nowMs() - beginMs);
    }
    times.sort((left, right) => left - right);
    return `${times[9] ?? 0} / ${times[18] ?? 0} ms`;
  };
  const puts = await timed((key) => put(key, [body]));
  const gets = await timed((key) => store.get(key));
  const heads = await timed((key) => store.head(key));
  return pass(`median / 95th percentile of 4 KiB: put ${puts}, get ${gets}, head ${heads}`);
}

/** How a call ended, for a check of that. @throws {HoldfastError} unavailable: it says nothing of how such calls end */
async function kindOf(call: Promise<unknown>): Promise<ErrorKind | "no error"> {
  const error = await errorOf(call);
  if (error?.kind === "unavailable") throw error;
  return error?.kind ?? "no error";
}

async function errorOf(call: Promise<unknown>): Promise<HoldfastError | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (isHoldfastError(error)) return error;
    throw error;
  }
}

function different(back: Uint8Array, body: Uint8Array): string {
  return back.byteLength === body.byteLength ? "other bytes" : `${back.byteLength} bytes`;
}

function hashOf(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

function pass(explanation: string): ProbeFinding {
  return { outcome: "pass", explanation };
}

function warn(explanation: string): ProbeFinding {
  return { outcome: "warn", explanation };
}

function fail(explanation: string): ProbeFinding {
  return { outcome: "fail", explanation };
}
