import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#shared/clock.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { systemRandom } from "#shared/random.ts";
import { probeStore } from "#shared/store/probe-store.ts";
import { openS3Store } from "#shared/store/s3-store.ts";
import type { Store } from "#shared/store/store.ts";
import { startS3rver } from "./bare-s3rver.ts";
import type { S3Server } from "./s3-server.ts";

const kindOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (error: unknown) => (isHoldfastError(error) ? error.kind : String(error)),
  );

describe("openS3Store on bare s3rver", () => {
  let server: S3Server;
  let store: Store;
  beforeEach(async () => {
    server = await startS3rver();
    store = await openS3Store({ ...server.options, prefix: "p" });
  });
  afterEach(async () => {
    await store.close();
    await server.stop();
  });

  it("stores bodies of any size and number of parts as they are, without transfer framing", async () => {
    for (const sizeBytes of [0, 1, 300_000, (5 << 20) + 1]) {
      const body = systemRandom(sizeBytes);
      const middle = sizeBytes >> 1;
      await store.put(`whole/${sizeBytes}`, [body]);
      await store.put(`parts/${sizeBytes}`, [body.subarray(0, middle), body.subarray(middle)]);
      for (const key of [`whole/${sizeBytes}`, `parts/${sizeBytes}`]) {
        expect(Buffer.compare(await store.get(key), body)).toBe(0);
        expect((await store.head(key)).sizeBytes).toBe(sizeBytes);
      }
    }
  });

  it("reads ranges right, or refuses: s3rver answers bytes=0-0 with the whole object", async () => {
    const body = systemRandom(100_000);
    await store.put("ranged", [body]);
    const part = await store.get("ranged", { offsetBytes: 10, lengthBytes: 500 });
    expect(Buffer.compare(part, body.subarray(10, 510))).toBe(0);
    expect(await kindOf(store.get("ranged", { offsetBytes: 99_999, lengthBytes: 2 }))).toBe("corrupt");
    expect(await kindOf(store.get("ranged", { offsetBytes: 0, lengthBytes: 1 }))).toBe("incompatible");
  });

  it("ends a listing of more than a page with an error, and never early", async () => {
    const keys = Array.from({ length: 1005 }, (_, index) => `many/${String(index).padStart(4, "0")}`);
    for (let from = 0; from < keys.length; from += 67)
      await Promise.all(keys.slice(from, from + 67).map((key) => store.put(key, [])));
    const got: string[] = [];
    const reading = (async () => {
      for await (const { key } of store.list("many/")) got.push(key);
    })();
    expect(await kindOf(reading)).toBe("unavailable");
  });

  it("is found unfit to arbitrate commits by probeStore", async () => {
    const report = await probeStore(store, { clock: systemClock, random: systemRandom });
    expect(report.fitness).toBe("unfit");
    const failed = Object.fromEntries(report.checks.map(({ name, outcome }) => [name, outcome]));
    expect(failed).toMatchObject({
      "write and read": "pass",
      "large objects": "pass",
      "create if absent": "fail",
      "racing creators": "fail",
      listing: "fail",
      "damaged uploads": "warn",
    });
    expect(report.checks.find(({ name }) => name === "create if absent")?.explanation).toContain(
      "cannot arbitrate commits",
    );
  });

  it("survives the server's death: every call says unavailable, and a probe reports it", async () => {
    await store.put("x", [Uint8Array.of(1)]);
    await server.stop();
    expect(await kindOf(store.get("x"))).toBe("unavailable");
    expect(await kindOf(store.put("y", []))).toBe("unavailable");
    expect(await kindOf(store.head("x"))).toBe("unavailable");
    expect(await kindOf(store.delete("x"))).toBe("unavailable");
    expect((await probeStore(store, { clock: systemClock, random: systemRandom })).fitness).toBe("unknown");
  });
});
