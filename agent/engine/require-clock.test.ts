import { expect, test } from "vitest";
import { requireClock } from "./require-clock.ts";

test("a clock before 1970 is refused by its name, any other is not", () => {
  expect(() => requireClock({ nowMs: () => -1 })).toThrow(
    expect.objectContaining({
      kind: "unavailable",
      message: "Cannot write to a store: this machine's clock says 1969-12-31T23:59:59.999Z, before 1970",
    }),
  );
  for (const nowMs of [0, 1, 4e12]) expect(() => requireClock({ nowMs: () => nowMs })).not.toThrow();
  expect(() => requireClock()).not.toThrow();
});
