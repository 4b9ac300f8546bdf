import { afterAll, beforeAll } from "vitest";
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
