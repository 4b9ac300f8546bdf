import { Writable } from "node:stream";
import { Hono } from "hono";
import { afterEach, expect, it, vi } from "vitest";
import { systemClock } from "#shared/clock.ts";
import { storeOf } from "#shared/view/view.testing.ts";
import { openAccess } from "./access/configured-access.ts";
import type { AccessRecord } from "./access-record.ts";
import { gatewayApp } from "./app.ts";
import type { GatewayEnv } from "./gateway-env.ts";
import { httpProtocol } from "./http/http-protocol.ts";
import { mountOf } from "./small-gateway.testing.ts";

afterEach(() => vi.unstubAllGlobals());

const bytes = Buffer.from([0xff, 0xfe, 0x80, 0x00, 0x0d, 0x0a, 0xc3]);

/** What a function URL (and API Gateway, payload 2.0) sends. */
const event = (method: string, rawPath: string, headers: Record<string, string> = {}) => ({
  version: "2.0",
  routeKey: "$default",
  rawPath,
  rawQueryString: "",
  headers: { host: "localhost", ...headers },
  requestContext: {
    accountId: "anonymous",
    apiId: "abc",
    domainName: "localhost",
    http: { method, path: rawPath, protocol: "HTTP/1.1", sourceIp: "192.0.2.7", userAgent: "test" },
    requestId: "id",
    stage: "$default",
    time: "20/Nov/2026:07:34:12 +0000",
    timeEpoch: 1,
  },
  isBase64Encoded: false,
});

it("streams bytes as they are, text types too, with status, headers and the caller's address", async () => {
  let meta: { statusCode: number; headers: Record<string, string> } | undefined;
  vi.stubGlobal("awslambda", {
    streamifyResponse: (handler: unknown) => handler,
    HttpResponseStream: {
      from: (stream: unknown, given: typeof meta) => {
        meta = given;
        return stream;
      },
    },
  });
  const { lambdaHandler } = await import("./lambda.ts");
  const store = await storeOf([{ path: "odd.txt", content: bytes }]);
  const records: AccessRecord[] = [];
  const app = gatewayApp({
    mount: await mountOf(store),
    access: openAccess,
    protocols: [{ protocol: httpProtocol, prefix: "" }],
    clock: systemClock,
    onAccess: (record) => records.push(record),
  });
  const invoke = async (sent: unknown): Promise<Buffer> => {
    const parts: Buffer[] = [];
    const stream = new Writable({
      write(part: Buffer | string, _encoding, done) {
        parts.push(Buffer.from(part as Buffer));
        done();
      },
    });
    await (lambdaHandler(app) as unknown as (event: unknown, stream: Writable, context: object) => Promise<void>)(
      sent,
      stream,
      {},
    );
    return Buffer.concat(parts);
  };
  expect((await invoke(event("GET", "/scripted/odd.txt"))).equals(bytes)).toBe(true);
  expect(meta).toMatchObject({
    statusCode: 200,
    headers: { "content-type": "text/plain", "content-length": "7" },
  });
  expect((await invoke(event("GET", "/scripted/odd.txt", { range: "bytes=1-2" }))).equals(bytes.subarray(1, 3))).toBe(
    true,
  );
  expect(meta).toMatchObject({ statusCode: 206, headers: { "content-range": "bytes 1-2/7" } });
  await invoke(event("GET", "/none"));
  expect(meta?.statusCode).toBe(404);
  expect(records.map(({ address }) => address)).toContain("192.0.2.7");
});

it("a response that breaks after it began fails the invocation, and nothing is added; cookies are told one by one", async () => {
  let meta: { statusCode: number; cookies: string[] } | undefined;
  vi.stubGlobal("awslambda", {
    streamifyResponse: (handler: unknown) => handler,
    HttpResponseStream: {
      from: (stream: unknown, given: typeof meta) => {
        meta = given;
        return stream;
      },
    },
  });
  const { lambdaHandler } = await import("./lambda.ts");
  const app = new Hono<GatewayEnv>();
  app.get("/broken", () => {
    let parts = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (parts++ < 2) controller.enqueue(bytes);
        else controller.error(new Error("damaged"));
      },
    });
    return new Response(body, { headers: { "content-length": "1000" } });
  });
  app.get("/cookies", (c) => {
    c.header("set-cookie", "a=1; Path=/", { append: true });
    c.header("set-cookie", "b=2; Path=/", { append: true });
    return c.body(null, 204);
  });
  const call = lambdaHandler(app);
  const parts: Buffer[] = [];
  const sink = () =>
    new Writable({
      highWaterMark: 1,
      write(part: Buffer, _encoding, done) {
        parts.push(Buffer.from(part));
        setImmediate(done);
      },
    }).on("error", () => undefined);
  const broken = sink();
  await expect(call(event("GET", "/broken"), broken, {})).rejects.toThrow("damaged");
  expect(broken.destroyed).toBe(true);
  expect(broken.writableFinished).toBe(false);
  expect(bytes.equals(Buffer.concat(parts).subarray(0, bytes.length))).toBe(true);
  expect(Buffer.concat(parts).length).toBeLessThanOrEqual(2 * bytes.length);
  await call(event("GET", "/cookies"), sink(), {});
  expect(meta).toMatchObject({ statusCode: 204, cookies: ["a=1; Path=/", "b=2; Path=/"] });
});
