import { describe, expect, it } from "vitest";
import { outageWaitMs, raceWaitMs } from "./backoff.ts";

const most = (lengthBytes: number) => new Uint8Array(lengthBytes).fill(255);
const least = (lengthBytes: number) => new Uint8Array(lengthBytes);

describe("raceWaitMs", () => {
  it("shrinks with each loss, to nothing: who has waited longest goes first", () => {
    const bounds = Array.from({ length: 34 }, (_, index) =>
      raceWaitMs({ losses: index + 1, roundTripMs: 60, pace: 1 }, most),
    );
    expect(Math.round(bounds[0] ?? 0)).toBe(60);
    for (let loss = 1; loss < 33; loss++) expect(bounds[loss]).toBeLessThan(bounds[loss - 1] ?? 0);
    expect(bounds.slice(32)).toEqual([0, 0]);
  });

  it("grows with the crowd, and is bounded", () => {
    const bound = (pace: number, roundTripMs = 60) => Math.round(raceWaitMs({ losses: 1, roundTripMs, pace }, most));
    expect([0, 1, 2, 8, 9000].map((pace) => bound(pace))).toEqual([60, 60, 120, 480, 480]);
    expect([bound(1, -5), bound(1, 0), bound(1, 60_000), bound(8, 60_000)]).toEqual([8, 8, 250, 500]);
    expect(raceWaitMs({ losses: 1, roundTripMs: 60_000, pace: 8 }, least)).toBe(0);
  });
});

describe("outageWaitMs", () => {
  it("is random below a bound that doubles up to two seconds", () => {
    const bounds = [1, 2, 3, 6, 7, 30].map((tries) => Math.round(outageWaitMs(tries, most)));
    expect(bounds).toEqual([50, 100, 200, 1600, 2000, 2000]);
    expect(outageWaitMs(30, least)).toBe(0);
  });
});
