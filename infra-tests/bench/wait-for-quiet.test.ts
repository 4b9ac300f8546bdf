import { expect, test } from "vitest";
import { waitForQuiet } from "./wait-for-quiet.ts";

test("waitForQuiet returns once the machine is quiet, and where nobody can tell", async () => {
  await waitForQuiet(60_000, () => undefined);
  let busySeconds = 0;
  let asked = 0;
  await waitForQuiet(60_000, () => (asked++ < 2 ? (busySeconds += 5) : busySeconds));
  expect(asked).toBe(4);
});

test("waitForQuiet gives up loudly where the machine stays busy", async () => {
  let busySeconds = 0;
  await expect(waitForQuiet(600, () => (busySeconds += 1))).rejects.toThrow(/did not get quiet within 0\.6 s/);
});
