import { afterAll, beforeAll, expect, it } from "vitest";
import { systemClock } from "#shared/clock.ts";
import { systemRandom } from "#shared/random.ts";
import { probeStore } from "#shared/store/probe-store.ts";
import { storeConformance } from "#shared/store/store.conformance.ts";
import { startHonestS3rver } from "./honest-s3rver.ts";
import type { S3Server } from "./s3-server.ts";
import { freshS3Store, missingS3Store } from "./s3-stores.ts";

let server: S3Server | undefined;
const running = (): S3Server => {
  if (server === undefined) throw new Error("the server is not running");
  return server;
};
beforeAll(async () => {
  server = await startHonestS3rver();
});
afterAll(() => server?.stop());

storeConformance("openS3Store on s3rver behind the honest shim", () => freshS3Store(running()), {
  tellsSha256: true,
  missing: () => missingS3Store(running()),
});

it("probeStore finds s3rver behind the honest shim fit, without a warning, and leaves nothing behind", async () => {
  const { store, dispose } = await freshS3Store(running());
  const report = await probeStore(store, { clock: systemClock, random: systemRandom });
  expect(report.checks.filter(({ outcome }) => outcome !== "pass")).toEqual([]);
  for await (const { key } of store.list("")) expect.fail(`${key} is left over`);
  await dispose();
});
