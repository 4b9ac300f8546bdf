import { describe, expect, it } from "vitest";
import { outageWaitMs, raceWaitMs } from "./backoff.ts";

const most = (lengthBytes: number): Uint8Array<ArrayBuffer> => new Uint8Array(lengthBytes).fill(255);
const least = (lengthBytes: number): Uint8Array<ArrayBuffer> => new Uint8Array(lengthBytes);

describe("raceWaitMs", () => {
  it("is at most one round trip, and nothing for who has lost often", () => {
    const bounds = Array.from({ length: 11 }, (_, index) => Math.round(raceWaitMs(index + 1, 60, most)));
    expect(bounds).toEqual([60, 60, 60, 60, 60, 60, 60, 60, 0, 0, 0]);
  });

  it("starts at nothing, and stays bounded however slow the store or strange the clock", () => {
    expect(raceWaitMs(8, 60_000, least)).toBe(0);
    expect(raceWaitMs(8, 60_000, most)).toBeLessThanOrEqual(250);
    expect(raceWaitMs(1, -5, most)).toBeLessThanOrEqual(1);
  });
});

describe("outageWaitMs", () => {
  it("doubles up to its limit", () => {
    const bounds = [1, 2, 3, 4, 5, 6, 7, 20].map((each) => Math.round(outageWaitMs(each, most)));
    expect(bounds).toEqual([50, 100, 200, 400, 800, 1600, 2000, 2000]);
  });
});
