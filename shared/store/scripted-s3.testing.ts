import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach } from "vitest";
import type { S3StoreOptions } from "./s3-client.ts";
import { openS3Store } from "./s3-store.ts";
import type { Store } from "./store.ts";

/** A request as the server has seen it. */
export type Seen = {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
};
/** What a server does with a request; `count` is its number, from 1. */
export type Script = (seen: Seen, answer: ServerResponse, count: number) => void;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A store on a server of this process that does what a script says, and the requests that it has seen. */
export async function scripted(
  script: Script,
  options: Partial<S3StoreOptions> = {},
): Promise<{ store: Store; seen: Seen[] }> {
  const seen: Seen[] = [];
  const serve = async (request: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    seen.push({
      method: request.method ?? "",
      url: request.url ?? "",
      headers: request.headers,
      body: Buffer.concat(chunks),
    });
    const last = seen.at(-1);
    if (last !== undefined) script(last, answer, seen.length);
  };
  const server = createServer((request, answer) => void serve(request, answer).catch(() => answer.destroy()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const store = await openS3Store({
    bucket: "bucket",
    prefix: "some/prefix",
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "very-secret" },
    ...options,
  });
  closers.push(async () => {
    await store.close();
    server.closeAllConnections();
    server.close();
  });
  return { store, seen };
}

/** Answers every request with an error of S3; without a code, with no body. */
export const failing =
  (status: number, code: string, headers: Record<string, string> = {}): Script =>
  (_seen, answer) => {
    answer.writeHead(status, { "content-type": "application/xml", ...headers });
    answer.end(
      code === ""
        ? ""
        : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>AKIAEXAMPLE quoted</Message></Error>`,
    );
  };
