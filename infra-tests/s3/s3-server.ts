import type { S3StoreOptions } from "#shared/store/s3-client.ts";

/** An S3 server that a test started: how to reach a bucket of it, and how to end it. */
export type S3Server = {
  readonly options: Pick<S3StoreOptions, "bucket" | "endpoint" | "region" | "credentials">;
  readonly stop: () => Promise<void>;
};
