import { afterAll, beforeAll, describe, it } from "vitest";
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
}
