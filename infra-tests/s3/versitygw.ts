import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { S3Server } from "./s3-server.ts";

/** Where the `versitygw` program stands: in the repository's `.cache/bin` or in `searchPath`; undefined if nowhere. */
export function findVersitygw(searchPath: string): string | undefined {
  const cache = fileURLToPath(new URL("../../.cache/bin", import.meta.url));
  for (const directory of [cache, ...searchPath.split(delimiter)]) {
    const path = join(directory, "versitygw");
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return undefined;
}

/** Starts VersityGW on a bucket in an empty directory, at a free port of 127.0.0.1. */
export async function startVersitygw(program: string): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-versitygw-"));
  await mkdir(join(directory, "bucket"));
  const port = await freePort();
  const credentials = { accessKeyId: "holdfast", secretAccessKey: "holdfast-test" };
  const child = spawn(program, ["--port", `127.0.0.1:${port}`, "--keep-alive", "--quiet", "posix", directory], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ROOT_ACCESS_KEY: credentials.accessKeyId, ROOT_SECRET_KEY: credentials.secretAccessKey },
  });
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`versitygw ended with ${child.exitCode} before it listened`);
    await sleep(50);
  }
  return {
    options: { bucket: "bucket", endpoint: `http://127.0.0.1:${port}`, region: "us-east-1", credentials },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
