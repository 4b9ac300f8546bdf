import { expect, it } from "vitest";
import { lambdaRequest } from "./lambda-request.ts";

/** Payload 2.0, as function URLs and HTTP APIs send it. */
const second = {
  version: "2.0",
  routeKey: "$default",
  rawPath: "/dir/a%20b",
  rawQueryString: "sort=size&tar",
  cookies: ["one=1", "two=2"],
  headers: {
    host: "abc.lambda-url.eu-central-1.on.aws",
    range: "bytes=0-1",
    "x-forwarded-for": "203.0.113.9",
    accept: "text/html,*/*",
  },
  requestContext: {
    accountId: "anonymous",
    apiId: "abc",
    domainName: "abc.lambda-url.eu-central-1.on.aws",
    http: { method: "GET", path: "/dir/a%20b", protocol: "HTTP/1.1", sourceIp: "192.0.2.7", userAgent: "test" },
    requestId: "id",
    stage: "$default",
    timeEpoch: 1,
  },
  isBase64Encoded: false,
};

/** Payload 1.0, as REST APIs send it. */
const first = {
  version: "1.0",
  resource: "/{proxy+}",
  path: "/dir/ä b",
  httpMethod: "PROPFIND",
  headers: { Host: "api.example", Depth: "1" },
  multiValueHeaders: { Host: ["api.example"], Depth: ["1"], "X-Two": ["a", "b"], Cookie: ["one=1; two=2"] },
  queryStringParameters: { prefix: "b" },
  multiValueQueryStringParameters: { prefix: ["a&b", "b"], location: [""] },
  requestContext: { identity: { sourceIp: "192.0.2.8" }, stage: "prod", domainName: "api.example" },
  body: Buffer.from([0, 255, 13, 10]).toString("base64"),
  isBase64Encoded: true,
};

it("an event of payload 2.0 is a request with its query, headers, cookies and address", () => {
  const { request, address } = lambdaRequest(second);
  expect([request.method, request.url, address]).toEqual([
    "GET",
    "https://abc.lambda-url.eu-central-1.on.aws/dir/a%20b?sort=size&tar",
    "192.0.2.7",
  ]);
  expect(Object.fromEntries(request.headers)).toMatchObject({ range: "bytes=0-1", cookie: "one=1; two=2" });
  expect(request.body).toBeNull();
});

it("an event of payload 1.0 is one too, with headers and parameters that come several times, and bytes as a body", async () => {
  const { request, address } = lambdaRequest(first);
  expect([request.method, request.url, address]).toEqual([
    "PROPFIND",
    "https://api.example/dir/%C3%A4%20b?prefix=a%26b&prefix=b&location",
    "192.0.2.8",
  ]);
  expect([request.headers.get("x-two"), request.headers.get("cookie")]).toEqual(["a, b", "one=1; two=2"]);
  expect([...new Uint8Array(await request.arrayBuffer())]).toEqual([0, 255, 13, 10]);
});

it("HEAD has no body, text bodies are UTF-8, and an address that is not told is undefined", async () => {
  const context = (method: string) => ({ http: { method } });
  const head = lambdaRequest({ ...second, body: "x", requestContext: context("HEAD") });
  expect([head.request.method, head.request.body, head.address]).toEqual(["HEAD", null, undefined]);
  const put = lambdaRequest({ ...second, body: "ä", requestContext: context("PUT") });
  expect(await put.request.text()).toBe("ä");
});

it("a path keeps what is escaped in it, and nothing in it becomes a query, a fragment or another host", () => {
  for (const [rawPath, path] of [
    ["//evil.example/x", "//evil.example/x"],
    ["/a?b#c", "/a%3Fb%23c"],
    ["/%2e%2e/%ff", "/%ff"],
    ["no-slash", "/no-slash"],
    ["/\ud800", "/%EF%BF%BD"],
    ["@evil.example/", "/@evil.example/"],
  ]) {
    const { url } = lambdaRequest({ ...second, rawPath, rawQueryString: "" }).request;
    expect(url).toBe(`https://abc.lambda-url.eu-central-1.on.aws${path}`);
  }
});

it("what stands for no request is refused", () => {
  expect(() => lambdaRequest({ ...second, requestContext: { http: { method: "TRACE" } } })).toThrow("event");
  expect(() => lambdaRequest({ ...second, headers: { host: "a b" } })).toThrow("event");
});
