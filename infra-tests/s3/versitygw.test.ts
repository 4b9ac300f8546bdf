import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "#shared/clock.ts";
import { systemRandom } from "#shared/random.ts";
import { probeStore } from "#shared/store/probe-store.ts";
import { storeConformance } from "#shared/store/store.conformance.ts";
import type { S3Server } from "./s3-server.ts";
import { freshS3Store, missingS3Store } from "./s3-stores.ts";
import { findVersitygw, startVersitygw } from "./versitygw.ts";

const program = findVersitygw(process.env["PATH"] ?? "");

if (program === undefined) {
  process.stderr.write("SKIPPED: no versitygw on PATH or in .cache/bin; infra-tests/s3/versitygw.sh builds it.\n");
  describe("VersityGW", () => it.skip("is not installed: infra-tests/s3/versitygw.sh builds it", () => undefined));
} else {
  let server: S3Server | undefined;
  const running = (): S3Server => {
    if (server === undefined) throw new Error("the server is not running");
    return server;
  };
  beforeAll(async () => {
    server = await startVersitygw(program);
  });
  afterAll(() => server?.stop());

  storeConformance("openS3Store on VersityGW", () => freshS3Store(running()), {
    tellsSha256: true,
    missing: () => missingS3Store(running()),
  });

  it("probeStore finds VersityGW fit, without a warning, and leaves nothing behind", async () => {
    const { store, dispose } = await freshS3Store(running());
    const report = await probeStore(store, { clock: systemClock, random: systemRandom });
    expect(report.checks.filter(({ outcome }) => outcome !== "pass")).toEqual([]);
    for await (const { key } of store.list("")) expect.fail(`${key} is left over`);
    await dispose();
  });
}
