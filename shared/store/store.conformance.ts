/** The contract of the port `Store` as tests. Every adapter and every wrapper runs it, each in a test file of its own. */
import { createHash } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import type { ListedObject, Store } from "./store.ts";

/** A store for one test: empty at first, and used by nobody else. */
export type StoreUnderTest = {
  readonly store: Store;
  /** Another client of the same objects, when the adapter can have one; closed by `dispose`. */
  readonly other?: Store;
  /** Closes the store and removes what it holds. */
  readonly dispose: () => Promise<void>;
};

/** What a store offers beyond the contract. */
export type StoreTraits = {
  /** A body that does not match `options.sha256` is refused as corrupt, and nothing is created. Default true. */
  readonly refusesWrongSha256?: boolean;
  /** `head` tells the SHA-256 of an object that was put with one. Default false. */
  readonly tellsSha256?: boolean;
  /** A put that met a fault may take an object of equal bytes for its own, as `retryingStore` does. Default false. */
  readonly mayClaimEqualBytes?: boolean;
  /** A missing store as such: reading and listing it must say `absent`. */
  readonly missing?: () => Promise<StoreUnderTest>;
};

const mebibyte = 1 << 20;

/** Declares the tests of the contract for one kind of store. `makeStore` is called once a test. */
export function storeConformance(
  name: string,
  makeStore: () => Promise<StoreUnderTest>,
  traits: StoreTraits = {},
): void {
  describe(`${name} keeps the contract of Store:`, () => {
    let opened: StoreUnderTest[] = [];
    const open = async (make = makeStore): Promise<StoreUnderTest & { readonly other: Store }> => {
      const made = await make();
      opened.push(made);
      return { ...made, other: made.other ?? made.store };
    };
    afterEach(async () => {
      const toDispose = opened;
      opened = [];
      for (const made of toDispose) await made.dispose();
    });

    it("a body of 0 bytes comes back", async () => {
      const { store, other } = await open();
      await store.put("empty", []);
      await store.put("empty-parts", [new Uint8Array(0), new Uint8Array(0)], { sha256: sha256Of(new Uint8Array(0)) });
      expect((await other.get("empty")).byteLength).toBe(0);
      expect((await other.get("empty-parts")).byteLength).toBe(0);
      expect((await other.head("empty")).sizeBytes).toBe(0);
      expect(await kindOf(other.get("empty", { offsetBytes: 0, lengthBytes: 1 }))).toBe("corrupt");
    });

    it("a body of 1 byte comes back", async () => {
      const { store, other } = await open();
      await store.put("one", [Uint8Array.of(200)]);
      expect([...(await other.get("one"))]).toEqual([200]);
      expect((await other.head("one")).sizeBytes).toBe(1);
    });

    it("a body of 5 MiB in uneven parts, views into larger buffers among them, comes back", async () => {
      const { store, other } = await open();
      const bytes = patternedBytes(5 * mebibyte + 3, 1);
      const cuts = [0, 1, 1, 70_000, 2 * mebibyte, 2 * mebibyte + 17, bytes.byteLength];
      const parts = cuts.slice(1).map((cut, index) => bytes.subarray(cuts[index], cut));
      await store.put("packs/large", parts, { sha256: sha256Of(bytes) });
      const back = await other.get("packs/large");
      expect(sameBytes(back, bytes)).toBe(true);
      expect((await other.head("packs/large")).sizeBytes).toBe(bytes.byteLength);
    });

    it("a body that looks like transfer framing or has every byte value is not touched", async () => {
      const { store } = await open();
      const framed = Buffer.from("5;chunk-signature=00\r\nhello\r\n0;chunk-signature=00\r\n\r\n");
      await store.put("framed", [framed]);
      expect(sameBytes(await store.get("framed"), framed)).toBe(true);
      const all = Uint8Array.from({ length: 512 }, (_, index) => index & 255);
      await store.put("all-values", [all]);
      expect(sameBytes(await store.get("all-values"), all)).toBe(true);
    });

    it("the parts of a put are the caller's again once it settles", async () => {
      const { store } = await open();
      const part = patternedBytes(1000, 2);
      const expected = part.slice();
      await store.put("kept", [part]);
      part.fill(0);
      expect(sameBytes(await store.get("kept"), expected)).toBe(true);
    });

    it("what get returns is the caller's: alone in its ArrayBuffer, and transferable", async () => {
      const { store } = await open();
      const bytes = patternedBytes(3000, 3);
      await store.put("owned", [bytes]);
      const whole = await store.get("owned");
      expect(whole.buffer.byteLength).toBe(3000);
      whole.fill(0);
      const part = await store.get("owned", { offsetBytes: 100, lengthBytes: 50 });
      expect([part.byteOffset, part.buffer.byteLength]).toEqual([0, 50]);
      const moved = structuredClone(part, { transfer: [part.buffer] });
      expect(part.byteLength).toBe(0);
      expect(sameBytes(moved, bytes.subarray(100, 150))).toBe(true);
    });

    it("ranges give exactly their bytes: first, middle, last, whole", async () => {
      const { store } = await open();
      const bytes = patternedBytes(100_000, 4);
      await store.put("ranged", [bytes]);
      const ranges = [
        [0, 1],
        [0, 10],
        [1, 1],
        [50_000, 12_345],
        [99_999, 1],
        [99_000, 1000],
        [0, 100_000],
      ] as const;
      for (const [offsetBytes, lengthBytes] of ranges) {
        const part = await store.get("ranged", { offsetBytes, lengthBytes });
        expect(
          sameBytes(part, bytes.subarray(offsetBytes, offsetBytes + lengthBytes)),
          `${offsetBytes}+${lengthBytes}`,
        ).toBe(true);
      }
    });

    it("a range that reaches or starts beyond the end is corrupt", async () => {
      const { store } = await open();
      await store.put("short", [patternedBytes(100, 5)]);
      for (const [offsetBytes, lengthBytes] of [
        [0, 101],
        [99, 2],
        [100, 1],
        [5000, 10],
      ] as const) {
        expect(await kindOf(store.get("short", { offsetBytes, lengthBytes })), `${offsetBytes}+${lengthBytes}`).toBe(
          "corrupt",
        );
      }
    });

    it("a range that is no range is invalid", async () => {
      const { store } = await open();
      await store.put("some", [patternedBytes(10, 6)]);
      for (const [offsetBytes, lengthBytes] of [
        [-1, 2],
        [0, 0],
        [0, -1],
        [0.5, 1],
        [0, Number.NaN],
        [2 ** 53, 1],
      ] as const) {
        expect(await kindOf(store.get("some", { offsetBytes, lengthBytes })), `${offsetBytes}+${lengthBytes}`).toBe(
          "invalid",
        );
      }
    });

    it("what is not there is absent", async () => {
      const { store } = await open();
      await store.put("packs/there", [Uint8Array.of(1)]);
      for (const key of ["nothing", "packs", "packs/ther", "packs/there-not", "other/there"]) {
        expect(await kindOf(store.get(key)), key).toBe("absent");
        expect(await kindOf(store.get(key, { offsetBytes: 0, lengthBytes: 1 })), key).toBe("absent");
        expect(await kindOf(store.head(key)), key).toBe("absent");
      }
    });

    it("a second put is a conflict and changes nothing", async () => {
      const { store, other } = await open();
      const first = patternedBytes(2000, 7);
      await store.put("log/1", [first]);
      expect(await kindOf(other.put("log/1", [patternedBytes(3000, 8)]))).toBe("conflict");
      if (traits.mayClaimEqualBytes !== true) expect(await kindOf(store.put("log/1", [first]))).toBe("conflict");
      expect(await kindOf(store.put("log/1", []))).toBe("conflict");
      expect(sameBytes(await other.get("log/1"), first)).toBe(true);
    });

    for (const sizeBytes of [50, 300_000]) {
      it(`of 32 racing creators of ${sizeBytes} bytes exactly one wins, and its bytes stay`, async () => {
        const { store, other } = await open();
        const bodies = Array.from({ length: 32 }, (_, racer) => patternedBytes(sizeBytes, racer));
        const outcomes = await Promise.all(
          bodies.map((body, racer) =>
            kindOf((racer % 2 === 0 ? store : other).put("log/2", [body], { sha256: sha256Of(body) })),
          ),
        );
        expect(outcomes.toSorted()).toEqual([...Array.from({ length: 31 }, () => "conflict"), "no error"]);
        const winner = bodies[outcomes.indexOf("no error")];
        expect(winner !== undefined && sameBytes(await other.get("log/2"), winner)).toBe(true);
      });
    }

    it("its clock is the one that tells the times of its listing, and asking it leaves nothing behind", async () => {
      const { store } = await open();
      const modifiedMs = async (key: string): Promise<number | undefined> => {
        await store.put(key, [Uint8Array.of(1)]);
        for await (const listed of store.list(key)) return listed.modifiedMs;
        throw new Error(`${key} is not listed`);
      };
      const before = await modifiedMs("before");
      const clockMs = await store.clockMs?.();
      const after = await modifiedMs("later");
      if (before === undefined || after === undefined) expect(clockMs).toBeUndefined();
      else {
        // Some file systems keep times to two seconds.
        expect(clockMs).toBeGreaterThanOrEqual(before - 2000);
        expect(clockMs).toBeLessThanOrEqual(after + 2000);
      }
      const keys = [];
      for await (const { key } of store.list("")) keys.push(key);
      expect(keys).toEqual(["before", "later"]);
    });

    it("racing creators of different keys all succeed, in folders that were not there before", async () => {
      const { store, other } = await open();
      const keys = Array.from({ length: 40 }, (_, index) => `packs/${index % 7}/x${index}`);
      await Promise.all(keys.map((key, index) => (index % 2 === 0 ? store : other).put(key, [Buffer.from(key)])));
      for (const key of keys) expect(Buffer.from(await store.get(key)).toString()).toBe(key);
    });

    it("an object that is being created is never seen in part", async () => {
      const { store, other } = await open();
      const body = patternedBytes(4 * mebibyte, 9);
      const progress = { created: false };
      const creating = store.put("whole", [body]).then(() => (progress.created = true));
      do {
        const seen = await other.get("whole").catch((error: unknown) => error);
        if (seen instanceof Uint8Array) expect(sameBytes(seen, body)).toBe(true);
        else expect(isHoldfastError(seen, "absent")).toBe(true);
        const sizes = (await listed(other, "")).map((object) => object.sizeBytes);
        expect(sizes.every((sizeBytes) => sizeBytes === body.byteLength)).toBe(true);
      } while (!progress.created);
      await creating;
      expect(sameBytes(await other.get("whole"), body)).toBe(true);
    });

    it("many gets at once each return their own bytes", async () => {
      const { store } = await open();
      const bytes = patternedBytes(2 * mebibyte, 10);
      await store.put("shared", [bytes]);
      const parts = await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          store.get("shared", { offsetBytes: index * 20_000, lengthBytes: 20_000 }),
        ),
      );
      parts.forEach((part, index) =>
        expect(sameBytes(part, bytes.subarray(index * 20_000, (index + 1) * 20_000))).toBe(true),
      );
    });

    it("head tells the size, and a SHA-256 only if it is the right one", async () => {
      const { store } = await open();
      const bytes = patternedBytes(70_000, 11);
      await store.put("hashed", [bytes], { sha256: sha256Of(bytes) });
      await store.put("unhashed", [bytes]);
      for (const key of ["hashed", "unhashed"]) {
        const { sizeBytes, sha256 } = await store.head(key);
        expect(sizeBytes).toBe(70_000);
        if (sha256 !== undefined) expect(sameBytes(sha256, sha256Of(bytes))).toBe(true);
        if (key === "hashed" && traits.tellsSha256 === true) expect(sha256).toBeDefined();
      }
    });

    it.skipIf(traits.refusesWrongSha256 === false)(
      "a body that does not match its SHA-256 is corrupt and creates nothing",
      async () => {
        const { store } = await open();
        for (const sizeBytes of [0, 10, 3 * mebibyte]) {
          const wrong = sha256Of(patternedBytes(sizeBytes + 1, 12));
          expect(
            await kindOf(store.put("damaged", [patternedBytes(sizeBytes, 12)], { sha256: wrong })),
            `${sizeBytes}`,
          ).toBe("corrupt");
          expect(await kindOf(store.head("damaged"))).toBe("absent");
          expect(await listed(store, "")).toEqual([]);
        }
        await store.put("damaged", [Uint8Array.of(1)]);
      },
    );

    it("list gives keys in byte order, with sizes, across folders", async () => {
      const { store, other } = await open();
      const keys = [
        "a-b",
        "a.b",
        "a/b",
        "a/b-c",
        "a0",
        "aB",
        "a_b",
        "ab",
        "b/-/x",
        "b/0/x",
        "b/0-",
        "b/0.",
        "Z",
        "_",
        "-",
        "0",
      ];
      await Promise.all(keys.map((key, index) => store.put(key, [new Uint8Array(index)])));
      const objects = await listed(other, "");
      expect(objects.map((object) => object.key)).toEqual(keys.toSorted());
      for (const object of objects) expect(object.sizeBytes).toBe(keys.indexOf(object.key));
    });

    it("list keeps to its prefix and begins after `after`", async () => {
      const { store } = await open();
      const keys = [
        "log/1",
        "log/2",
        "log/3",
        "log/30",
        "log-x",
        "logs/1",
        "packs/aa/1",
        "packs/ab/1",
        "packs/ab/2",
        "packs/b",
      ];
      await Promise.all(keys.map((key) => store.put(key, [])));
      const prefixes = [
        "",
        "log",
        "log/",
        "log/3",
        "logs/",
        "packs/a",
        "packs/ab/",
        "packs/ab/1",
        "none",
        "none/",
        "z",
      ];
      const afters = [
        undefined,
        "log/2",
        "log/29",
        "packs/a",
        "packs/ab",
        "packs/ab/1",
        "packs/ac",
        "a",
        "zz",
        "log0",
        "log/",
      ];
      for (const prefix of prefixes) {
        for (const after of afters) {
          const expected = keys.filter((key) => key.startsWith(prefix) && key > (after ?? "")).toSorted();
          const got = await listed(store, prefix, after);
          expect(
            got.map((object) => object.key),
            `prefix ${prefix}, after ${after}`,
          ).toEqual(expected);
        }
      }
    });

    it("list gives 2,500 keys, each once and in order, and can stop early or start late", async () => {
      const { store } = await open();
      const keys = Array.from(
        { length: 2500 },
        (_, index) => `many/${String(index % 50).padStart(2, "0")}/k${String(index).padStart(4, "0")}`,
      );
      for (let from = 0; from < keys.length; from += 100) {
        await Promise.all(keys.slice(from, from + 100).map((key) => store.put(key, [Uint8Array.of(7)])));
      }
      const sorted = keys.toSorted();
      expect((await listed(store, "many/")).map((object) => object.key)).toEqual(sorted);
      expect((await listed(store, "", sorted[1200])).map((object) => object.key)).toEqual(sorted.slice(1201));
      const early: string[] = [];
      for await (const object of store.list("many/")) if (early.push(object.key) === 3) break;
      expect(early).toEqual(sorted.slice(0, 3));
    });

    it("delete removes, is repeatable, and frees the name", async () => {
      const { store, other } = await open();
      await store.put("packs/ab/gone", [Uint8Array.of(1)]);
      await store.put("packs/ab/stays", [Uint8Array.of(2)]);
      await store.delete("packs/ab/gone");
      await store.delete("packs/ab/gone");
      await other.delete("packs/never/was");
      await other.delete("packs/ab");
      expect(await kindOf(other.get("packs/ab/gone"))).toBe("absent");
      expect((await listed(other, "")).map((object) => object.key)).toEqual(["packs/ab/stays"]);
      await other.put("packs/ab/gone", [Uint8Array.of(3)]);
      expect([...(await store.get("packs/ab/gone"))]).toEqual([3]);
    });

    it("odd but legal keys work", async () => {
      const { store } = await open();
      const keys = [
        "...",
        "a..b",
        "..a/.b",
        "-",
        "-rf",
        "x".repeat(200),
        `${"0123456/".repeat(60)}end`,
        "CAPITAL",
        "con/nul.txt",
        "a/tmp/b",
      ];
      for (const key of keys) {
        await store.put(key, [Buffer.from(key)]);
        expect(Buffer.from(await store.get(key)).toString()).toBe(key);
        expect((await store.head(key)).sizeBytes).toBe(key.length);
      }
      expect((await listed(store, "")).map((object) => object.key)).toEqual(keys.toSorted());
      for (const key of keys) await store.delete(key);
      expect(await listed(store, "")).toEqual([]);
    });

    it("illegal keys and prefixes are invalid in every verb", async () => {
      const { store } = await open();
      for (const key of [
        "",
        "/",
        "/etc/passwd",
        "../up",
        "a/../../up",
        "a//b",
        "a/",
        "ä",
        "a b",
        "tmp/x",
        "x".repeat(201),
      ]) {
        expect(await kindOf(store.put(key, [])), `put ${key}`).toBe("invalid");
        expect(await kindOf(store.get(key)), `get ${key}`).toBe("invalid");
        expect(await kindOf(store.head(key)), `head ${key}`).toBe("invalid");
        expect(await kindOf(store.delete(key)), `delete ${key}`).toBe("invalid");
      }
      for (const prefix of ["/", "../", "a//"])
        expect(await kindOf(listed(store, prefix)), `list ${prefix}`).toBe("invalid");
    });

    it("has a description for people", async () => {
      expect((await open()).store.description).not.toBe("");
    });

    const { missing } = traits;
    it.skipIf(missing === undefined)(
      "a store that does not exist is absent to readers, and deleting from it harms nothing",
      async () => {
        if (missing === undefined) return;
        const { store } = await open(missing);
        expect(await kindOf(store.get("config"))).toBe("absent");
        expect(await kindOf(store.head("config"))).toBe("absent");
        expect(await kindOf(listed(store, ""))).toBe("absent");
      },
    );
  });
}

/** The kind of HoldfastError that a promise fails with, or "no error"; any other error is thrown on. */
async function kindOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "no error";
  } catch (error) {
    if (isHoldfastError(error)) return error.kind;
    throw error;
  }
}

async function listed(store: Store, prefix: string, after?: string): Promise<ListedObject[]> {
  const objects: ListedObject[] = [];
  for await (const object of store.list(prefix, after === undefined ? {} : { after })) objects.push(object);
  return objects;
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

function sha256Of(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

/** Bytes that differ for every seed, at every offset and length. */
function patternedBytes(sizeBytes: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  let state = (seed + 1) * 0x9e3779b1;
  for (let index = 0; index < sizeBytes; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}
