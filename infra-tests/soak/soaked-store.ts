import type { Sandbox } from "#infra-tests/e2e/sandbox.ts";
import { startHonestS3rver } from "#infra-tests/s3/honest-s3rver.ts";
import { findVersitygw, startVersitygw } from "#infra-tests/s3/versitygw.ts";

/** A kind of store that can be soaked. */
export type StoreKind = "directory" | "s3";

/** Where the store of a soak is, what a run needs to reach it, and how its server ends. */
export type SoakedStore = {
  readonly location: string;
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
};

/** Makes room for a store: a directory of the sandbox, or a bucket of versitygw where that is installed, else of s3rver. */
export async function startStore(kind: StoreKind, sandbox: Sandbox): Promise<SoakedStore> {
  if (kind === "directory") return { location: sandbox.path("store"), env: {}, stop: () => Promise.resolve() };
  const versitygw = findVersitygw(process.env["PATH"] ?? "");
  const server = versitygw === undefined ? await startHonestS3rver() : await startVersitygw(versitygw);
  const { bucket, endpoint = "", region, credentials } = server.options;
  return {
    location: `s3://${bucket}/soak?endpoint=${encodeURIComponent(endpoint)}&region=${region}&path-style=1`,
    env:
      credentials === undefined
        ? {}
        : { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey },
    stop: () => server.stop(),
  };
}
