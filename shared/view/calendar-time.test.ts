import fc from "fast-check";
import { expect, test } from "vitest";
import { calendarTime, calendarTimeMs } from "./calendar-time.ts";

const farthestSeconds = 8.64e12;

test("calendarTime says what Date says, as far as Date goes", () => {
  const near = fc.integer({ min: -100_000_000_000, max: 400_000_000_000 });
  const any = fc.maxSafeInteger().map((number) => number % (farthestSeconds + 1));
  fc.assert(
    fc.property(fc.oneof(near, any), fc.integer({ min: 0, max: 999 }), (seconds, ms) => {
      expect(`${calendarTime(seconds)}.000Z`).toBe(new Date(seconds * 1000).toISOString());
      if (Math.abs(seconds) < farthestSeconds)
        expect(calendarTimeMs(seconds * 1000 + ms)).toBe(new Date(seconds * 1000 + ms).toISOString());
    }),
    { numRuns: 2000 },
  );
});

test.each([
  [farthestSeconds, "+275760-09-13T00:00:00"],
  [farthestSeconds + 1, "+275760-09-13T00:00:01"],
  [-farthestSeconds - 1, "-271821-04-19T23:59:59"],
  [253_402_300_800, "+010000-01-01T00:00:00"],
  // As `date -u -d @1125899906842624` and `date -u -d @-1125899906842624` say.
  [2 ** 50, "+35680317-09-25T18:57:04"],
  [-(2 ** 50), "-35676378-04-08T05:02:56"],
])("calendarTime of %i is %s", (seconds, text) => expect(calendarTime(seconds)).toBe(text));
