import { describe, it } from "vitest";
import { storeConformance } from "#shared/store/store.conformance.ts";
import type { S3Server } from "./s3-server.ts";
import { freshS3Store } from "./s3-stores.ts";

const {
  HOLDFAST_TEST_S3_ENDPOINT: endpoint,
  HOLDFAST_TEST_S3_ACCESS_KEY: accessKeyId,
  HOLDFAST_TEST_S3_SECRET_KEY: secretAccessKey,
  HOLDFAST_TEST_S3_BUCKET: bucket,
  HOLDFAST_TEST_S3_REGION: region = "us-east-1",
  HOLDFAST_TEST_S3_REFUSES_WRONG_SHA256: refusesWrongSha256 = "1",
} = process.env;

if (endpoint === undefined) {
  describe("an S3 endpoint of your own", () => it.skip("is not named: set HOLDFAST_TEST_S3_ENDPOINT", () => undefined));
} else if (accessKeyId === undefined || secretAccessKey === undefined || bucket === undefined) {
  throw new Error("HOLDFAST_TEST_S3_ENDPOINT also needs HOLDFAST_TEST_S3_ACCESS_KEY, _SECRET_KEY and _BUCKET");
} else {
  const server: S3Server = {
    options: { endpoint, region, bucket, credentials: { accessKeyId, secretAccessKey } },
    stop: async () => undefined,
  };
  storeConformance(`openS3Store on ${endpoint}`, () => freshS3Store(server), {
    refusesWrongSha256: refusesWrongSha256 === "1",
  });
}
