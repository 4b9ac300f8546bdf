import { randomUUID } from "node:crypto";
import { openS3Store } from "#shared/store/s3-store.ts";
import type { StoreUnderTest } from "#shared/store/store.conformance.ts";
import type { S3Server } from "./s3-server.ts";

/** Two clients of an S3 store under a prefix that nothing else uses; `dispose` deletes what they made. */
export async function freshS3Store(server: S3Server): Promise<StoreUnderTest> {
  const options = { ...server.options, prefix: `holdfast-test/${randomUUID()}` };
  const store = await openS3Store(options);
  const other = await openS3Store(options);
  return {
    store,
    other,
    async dispose() {
      const deletions: Promise<void>[] = [];
      for await (const { key } of store.list("")) {
        deletions.push(store.delete(key));
        if (deletions.length >= 32) await Promise.all(deletions.splice(0));
      }
      await Promise.all(deletions);
      await store.close();
      await other.close();
    },
  };
}

/** A client of a bucket that does not exist on the server. */
export async function missingS3Store(server: S3Server): Promise<StoreUnderTest> {
  const store = await openS3Store({ ...server.options, bucket: `missing-${randomUUID()}` });
  return { store, dispose: () => store.close() };
}
