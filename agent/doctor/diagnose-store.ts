import { createHash } from "node:crypto";
import type { Diagnosis } from "#agent/commands/engine.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { systemRandom, type Random } from "#shared/random.ts";
import type { ListedObject, Store } from "#shared/store/store.ts";

const racers = 32;
const rounds = 3;
const listedObjects = 30;

/** One promise of the port `Store`, and how it is tried: `attempt` throws, or returns what it saw when it was not kept. */
type Attempt = {
  readonly promise: string;
  readonly needed: boolean;
  attempt(store: Store, prefix: string, random: Random): Promise<string | undefined>;
};

/**
 * Tries the promises of the port `Store` on a user's own store, and gives each result as it comes.
 *
 * It writes some megabytes below a random prefix `doctor/`, and deletes them, also when it is stopped.
 *
 * @throws {HoldfastError} what the store answers when it cannot be reached at all, and `interrupted`
 */
export async function* diagnoseStore(
  store: Store,
  options: { readonly signal: AbortSignal; readonly random?: Random },
): AsyncGenerator<Diagnosis> {
  const random = options.random ?? systemRandom;
  const prefix = `doctor/${Buffer.from(random(8)).toString("hex")}/`;
  try {
    for (const { promise, needed, ...tried } of attempts) {
      options.signal.throwIfAborted();
      const seen = await tried.attempt(store, prefix, random).catch((error: unknown) => {
        if (isHoldfastError(error, "denied", "unavailable")) throw error;
        return error instanceof Error ? error.message : String(error);
      });
      yield { promise, needed, kept: seen === undefined, detail: seen ?? "" };
    }
  } finally {
    for (const { key } of await collect(store, prefix)) await store.delete(key);
  }
}

const attempts: readonly Attempt[] = [
  {
    promise: "an object comes back as it went",
    needed: true,
    async attempt(store, prefix, random) {
      for (const lengthBytes of [0, 1, 4096, 1_048_577]) {
        const body = random(lengthBytes);
        const key = `${prefix}body-${lengthBytes}`;
        await store.put(key, [body.subarray(0, 1), body.subarray(1)], { sha256: sha256(body) });
        const got = await store.get(key);
        if (Buffer.compare(got, body) !== 0)
          return `${got.length} bytes came back where ${lengthBytes} other ones went`;
      }
      return undefined;
    },
  },
  {
    promise: "a part of an object is that part",
    needed: true,
    async attempt(store, prefix, random) {
      const body = random(100_000);
      await store.put(`${prefix}part`, [body]);
      for (const [offsetBytes, lengthBytes] of [
        [0, 1],
        [99_999, 1],
        [1234, 56_789],
        [0, 100_000],
      ] as const) {
        const got = await store.get(`${prefix}part`, { offsetBytes, lengthBytes });
        const wanted = body.subarray(offsetBytes, offsetBytes + lengthBytes);
        if (Buffer.compare(got, wanted) !== 0) return `bytes ${offsetBytes} to ${offsetBytes + lengthBytes} are others`;
      }
      return undefined;
    },
  },
  {
    promise: "an object that is there is never replaced",
    needed: true,
    async attempt(store, prefix) {
      const key = `${prefix}kept`;
      await store.put(key, [Buffer.from("first")]);
      const second = await outcome(store.put(key, [Buffer.from("second")]));
      const content = Buffer.from(await store.get(key)).toString();
      if (content !== "first") return "a second create replaced the first";
      return second === "conflict" ? undefined : `the second create ended with ${second}, not with conflict`;
    },
  },
  {
    promise: `creating an object has one winner of ${racers}`,
    needed: true,
    async attempt(store, prefix) {
      for (let round = 0; round < rounds; round++) {
        const key = `${prefix}race-${round}`;
        const names = Array.from({ length: racers }, (_, index) => `racer ${index}`);
        const ends = await Promise.all(names.map((name) => outcome(store.put(key, [Buffer.from(name)]))));
        const winners = names.filter((_, index) => ends[index] === "done");
        const content = Buffer.from(await store.get(key)).toString();
        if (winners.length !== 1) return `${winners.length} of ${racers} racers were told that they won`;
        if (content !== winners[0]) return `${winners[0]} was told that it won, and the object is of ${content}`;
      }
      return undefined;
    },
  },
  {
    promise: "an object that is not there is absent",
    needed: true,
    async attempt(store, prefix) {
      const ends = [await outcome(store.get(`${prefix}nothing`)), await outcome(store.head(`${prefix}nothing`))];
      return ends.every((end) => end === "absent") ? undefined : `reading it ended with ${ends.join(" and ")}`;
    },
  },
  {
    promise: "the size of an object is told right",
    needed: true,
    async attempt(store, prefix) {
      await store.put(`${prefix}sized`, [new Uint8Array(12_345)]);
      const { sizeBytes } = await store.head(`${prefix}sized`);
      return sizeBytes === 12_345 ? undefined : `${sizeBytes} bytes where 12345 are`;
    },
  },
  {
    promise: "a listing is complete and in order",
    needed: true,
    async attempt(store, prefix) {
      const wanted = Array.from(
        { length: listedObjects },
        (_, index) => `${prefix}list/${index % 3 === 0 ? "a-" : "a/"}${index}`,
      );
      for (const key of wanted) await store.put(key, [Buffer.from(key)]);
      wanted.sort((a, b) => (a < b ? -1 : 1));
      const all = (await collect(store, `${prefix}list/`)).map(({ key }) => key);
      if (all.join() !== wanted.join())
        return `${all.length} objects are listed, or in another order, where ${wanted.length} are`;
      const after = wanted[9]!;
      const later = (await collect(store, `${prefix}list/`, after)).map(({ key }) => key);
      return later.join() === wanted.slice(10).join() ? undefined : "a listing after a key begins elsewhere";
    },
  },
  {
    promise: "a deleted object is gone",
    needed: true,
    async attempt(store, prefix) {
      await store.put(`${prefix}gone`, [Buffer.from("x")]);
      await store.delete(`${prefix}gone`);
      await store.delete(`${prefix}gone`);
      const end = await outcome(store.get(`${prefix}gone`));
      return end === "absent" ? undefined : `reading it ended with ${end}`;
    },
  },
  {
    promise: "a body that does not match its checksum is refused",
    needed: false,
    async attempt(store, prefix) {
      const end = await outcome(
        store.put(`${prefix}damaged`, [Buffer.from("damaged")], { sha256: sha256(Buffer.from("whole")) }),
      );
      return end === "done" ? "it was stored; damage on the way is found when it is read" : undefined;
    },
  },
];

async function outcome(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "done";
  } catch (error) {
    if (error instanceof HoldfastError) return error.kind;
    throw error;
  }
}

async function collect(store: Store, prefix: string, after?: string): Promise<readonly ListedObject[]> {
  const found: ListedObject[] = [];
  for await (const object of store.list(prefix, after === undefined ? {} : { after })) found.push(object);
  return found;
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}
