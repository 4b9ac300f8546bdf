/**
 * The process that `startS3rver` runs: `node s3rver-process.ts <directory> <bucket>`. It prints the port that it listens on.
 *
 * s3rver has a process of its own because some requests end it.
 */
import { createRequire } from "node:module";

type S3rver = new (options: Readonly<Record<string, unknown>>) => { run(): Promise<{ port: number }> };

const S3rver: S3rver = createRequire(import.meta.url)("s3rver");
const [directory, bucket] = process.argv.slice(2);
const server = new S3rver({
  address: "127.0.0.1",
  port: 0,
  silent: true,
  directory,
  configureBuckets: [{ name: bucket }],
});
const { port } = await server.run();
process.stdout.write(`${port}\n`);
process.on("disconnect", () => process.exit()); // never outlive the test
