import { describe, expect, it } from "vitest";
import { backoffLimitMs, outageWaitMs, raceWaitMs } from "./backoff.ts";

const most = (lengthBytes: number): Uint8Array<ArrayBuffer> => new Uint8Array(lengthBytes).fill(255);
const least = (lengthBytes: number): Uint8Array<ArrayBuffer> => new Uint8Array(lengthBytes);

describe("raceWaitMs", () => {
  it("grows by a round trip with each loss and shrinks to nothing for who has lost often", () => {
    const bounds = Array.from({ length: 18 }, (_, index) => Math.round(raceWaitMs(index + 1, 60, most)));
    expect(bounds).toEqual([60, 120, 180, 240, 300, 360, 420, 480, 420, 360, 300, 240, 180, 120, 60, 0, 0, 0]);
  });

  it("starts at nothing, and stays within its limit however slow the store", () => {
    expect(raceWaitMs(8, 60_000, least)).toBe(0);
    expect(raceWaitMs(8, 60_000, most)).toBeLessThanOrEqual(backoffLimitMs);
    expect(raceWaitMs(1, -5, most)).toBeLessThanOrEqual(1);
  });
});

describe("outageWaitMs", () => {
  it("doubles up to its limit", () => {
    const bounds = [1, 2, 3, 4, 5, 6, 7, 20].map((each) => Math.round(outageWaitMs(each, most)));
    expect(bounds).toEqual([50, 100, 200, 400, 800, 1600, 2000, 2000]);
  });
});
