import { createHash } from "node:crypto";
import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { startS3rver } from "./bare-s3rver.ts";
import type { S3Server } from "./s3-server.ts";

type KnownObject = { readonly sizeBytes: number; readonly sha256: string; readonly modified: string };
type Upstream = { readonly host: string; readonly port: number; readonly agent: Agent };

const pageKeys = 1000;

/**
 * Starts s3rver behind a shim that keeps the promises s3rver does not, so that npm alone gives an S3 server to test with.
 *
 * The shim knows the keys that were put through it. It decides `If-None-Match: *` under a lock per key, refuses bodies that do not
 * match their SHA-256, shows an object only once s3rver has all of it, serves listings from its own sorted keys, tells the stored
 * SHA-256, hides what was deleted, and refuses ranges behind the end. The bytes themselves, single ranges and signatures stay s3rver's.
 */
export async function startHonestS3rver(): Promise<S3Server> {
  const s3rver = await startS3rver();
  const { hostname, port } = new URL(s3rver.options.endpoint ?? "");
  const upstream: Upstream = { host: hostname, port: Number(port), agent: new Agent() };
  const objects = new Map<string, KnownObject>();
  const locks = new Map<string, Promise<void>>();

  const locked = async (key: string, action: () => Promise<void>): Promise<void> => {
    const before = locks.get(key) ?? Promise.resolve();
    const mine = before.then(action, action);
    const settled = mine.catch(() => undefined);
    locks.set(key, settled);
    await mine.finally(() => {
      if (locks.get(key) === settled) locks.delete(key);
    });
  };

  const put = async (incoming: IncomingMessage, answer: ServerResponse, key: string): Promise<void> => {
    const body = await wholeBody(incoming);
    const sha256 = createHash("sha256").update(body).digest();
    const signed = incoming.headers["x-amz-content-sha256"];
    if (typeof signed === "string" && /^[0-9a-f]{64}$/.test(signed) && signed !== sha256.toString("hex")) {
      return refuse(answer, 400, "XAmzContentSHA256Mismatch");
    }
    const stated = incoming.headers["x-amz-checksum-sha256"];
    if (stated !== undefined && stated !== sha256.toString("base64")) return refuse(answer, 400, "BadDigest");
    await locked(key, async () => {
      if (incoming.headers["if-none-match"] === "*" && objects.has(key))
        return refuse(answer, 412, "PreconditionFailed");
      const status = await forward(upstream, incoming, answer, body);
      if (status === 200) {
        objects.set(key, {
          sizeBytes: body.byteLength,
          sha256: sha256.toString("base64"),
          modified: new Date().toISOString(),
        });
      }
    });
  };

  const read = async (incoming: IncomingMessage, answer: ServerResponse, key: string): Promise<void> => {
    const object = objects.get(key);
    if (object === undefined) return refuse(answer, 404, "NoSuchKey");
    const range = /^bytes=([0-9]*)-([0-9]*)$/.exec(incoming.headers.range ?? "");
    if (range !== null) {
      const suffix = range[1] === "" ? Number(range[2]) : undefined;
      const first = suffix === undefined ? Number(range[1]) : Math.max(0, object.sizeBytes - suffix);
      if (first >= object.sizeBytes) return refuse(answer, 416, "InvalidRange");
      if (range[1] !== "" && range[2] === "0") return firstByte(upstream, incoming, answer, object.sizeBytes);
      if (suffix !== undefined) incoming.headers.range = `bytes=${first}-${object.sizeBytes - 1}`;
    }
    if (incoming.headers["x-amz-checksum-mode"] === "ENABLED") {
      answer.setHeader("x-amz-checksum-sha256", object.sha256);
      answer.setHeader("x-amz-checksum-type", "FULL_OBJECT");
    }
    await forward(upstream, incoming, answer);
  };

  const list = (query: URLSearchParams, bucket: string, answer: ServerResponse): void => {
    const root = `${bucket}/`;
    const token = query.get("continuation-token");
    const after = token === null ? (query.get("start-after") ?? "") : Buffer.from(token, "base64url").toString();
    const limit = Math.min(pageKeys, Number(query.get("max-keys") ?? pageKeys));
    const start = root + (query.get("prefix") ?? "");
    const keys = [...objects.keys()].filter((key) => key.startsWith(start) && key > root + after).sort();
    const page = keys.slice(0, limit);
    const next = Buffer.from((page.at(-1) ?? "").slice(root.length)).toString("base64url");
    const entries = page.map((key) => {
      const object = objects.get(key);
      const name = encodeURIComponent(key.slice(root.length));
      return `<Contents><Key>${name}</Key><LastModified>${object?.modified}</LastModified><Size>${object?.sizeBytes}</Size></Contents>`;
    });
    const more = keys.length > page.length;
    answer.writeHead(200, { "content-type": "application/xml" });
    answer.end(
      `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><IsTruncated>${more}</IsTruncated>` +
        `<EncodingType>url</EncodingType><KeyCount>${page.length}</KeyCount>${entries.join("")}` +
        `${more ? `<NextContinuationToken>${next}</NextContinuationToken>` : ""}</ListBucketResult>`,
    );
  };

  const serve = async (incoming: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const url = new URL(incoming.url ?? "/", "http://shim");
    const key = decodeURIComponent(url.pathname.slice(1)); // bucket and key
    const [bucket = "", ...rest] = key.split("/");
    if (bucket !== s3rver.options.bucket || rest.join("") === "") {
      const isListing = incoming.method === "GET" && bucket === s3rver.options.bucket;
      if (isListing) return list(url.searchParams, bucket, answer);
      await forward(upstream, incoming, answer);
    } else if (incoming.method === "PUT") await put(incoming, answer, key);
    else if (incoming.method === "DELETE") {
      await locked(key, async () => {
        objects.delete(key); // hidden from here on; s3rver's own delete fails when two of them meet in one folder
        answer.writeHead(204).end();
      });
    } else await read(incoming, answer, key);
  };

  const shim = createServer((incoming, answer) => {
    serve(incoming, answer).catch(() => {
      if (answer.headersSent) answer.destroy();
      else refuse(answer, 500, "InternalError");
    });
  });
  shim.listen(0, "127.0.0.1");
  await once(shim, "listening");
  const address = shim.address();
  const shimPort = typeof address === "object" && address !== null ? address.port : 0;
  return {
    options: { ...s3rver.options, endpoint: `http://127.0.0.1:${shimPort}` },
    async stop() {
      shim.closeAllConnections();
      shim.close();
      upstream.agent.destroy();
      await s3rver.stop();
    },
  };
}

/** Sends a request on to s3rver and its answer back; returns the status once the answer is through. */
async function forward(
  { host, port, agent }: Upstream,
  incoming: IncomingMessage,
  answer: ServerResponse,
  body?: Buffer,
): Promise<number> {
  const { method, url, headers } = incoming;
  const onward = request({ host, port, agent, method, path: url, headers });
  if (body === undefined) incoming.pipe(onward);
  else onward.end(body);
  const [back] = await new Promise<[IncomingMessage]>((resolve, reject) => {
    onward.once("response", (message) => resolve([message]));
    onward.once("error", reject);
  });
  const status = back.statusCode ?? 500;
  answer.writeHead(status, back.headers);
  back.pipe(answer);
  await once(answer, "finish");
  return status;
}

/** Answers `bytes=0-0`, which s3rver takes for all of the object, with its first byte. */
async function firstByte(
  upstream: Upstream,
  incoming: IncomingMessage,
  answer: ServerResponse,
  sizeBytes: number,
): Promise<void> {
  const { host, port, agent } = upstream;
  const onward = request({
    host,
    port,
    agent,
    path: incoming.url,
    headers: { ...incoming.headers, range: "bytes=0-1" },
  });
  onward.end();
  const body = await new Promise<Buffer>((resolve, reject) => {
    onward.once("response", (message) => void wholeBody(message).then(resolve, reject));
    onward.once("error", reject);
  });
  answer.writeHead(206, { "content-range": `bytes 0-0/${sizeBytes}`, "content-length": 1 });
  answer.end(body.subarray(0, 1));
}

async function wholeBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function refuse(answer: ServerResponse, status: number, code: string): void {
  answer.writeHead(status, { "content-type": "application/xml" });
  answer.end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}
