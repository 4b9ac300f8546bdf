import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { S3Server } from "./s3-server.ts";

/**
 * Starts s3rver as it is, on an empty directory and a free port of 127.0.0.1.
 *
 * It is the worst S3 server we know: it ignores `If-None-Match`, shows objects while they are written, stores aws-chunked framing
 * as content, cannot continue a listing, and dies from long keys.
 */
export async function startS3rver(): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-s3rver-"));
  const script = fileURLToPath(new URL("s3rver-process.ts", import.meta.url));
  const child = spawn(process.execPath, [script, directory, "bucket"], { stdio: ["ignore", "pipe", "inherit", "ipc"] });
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.once("data", (line: Buffer) => resolve(Number(line.toString())));
    child.once("exit", (code) => reject(new Error(`s3rver ended with ${code} before it listened`)));
  });
  return {
    options: {
      bucket: "bucket",
      endpoint: `http://127.0.0.1:${port}`,
      region: "us-east-1",
      credentials: { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" },
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
}
