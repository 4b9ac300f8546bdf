import { expect, it } from "vitest";
import { ByteGate } from "./byte-gate.ts";

it("runs work in order within its limit, what is larger than that alone, and goes on after failures", async () => {
  const gate = new ByteGate(100);
  let runningBytes = 0;
  let running = 0;
  const begun: number[] = [];
  const sizes = [40, 60, 10, 500, 30, 30, 30, 30, 100, 1, 99];
  const results = await Promise.allSettled(
    sizes.map((bytes, index) =>
      gate.run(bytes, async () => {
        begun.push(index);
        running++;
        runningBytes += bytes;
        expect(running === 1 || runningBytes <= 100).toBe(true);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        runningBytes -= bytes;
        if (index % 3 === 0) throw new Error(`no ${index}`);
        return index;
      }),
    ),
  );
  expect(begun).toEqual(sizes.map((_, index) => index));
  expect(results.map(({ status }) => status)).toEqual(
    sizes.map((_, index) => (index % 3 === 0 ? "rejected" : "fulfilled")),
  );
});
