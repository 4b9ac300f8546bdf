import { afterAll, beforeAll, expect, it } from "vitest";
import { entryTypes } from "#shared/format/entry.ts";
import { seededNumbers } from "#shared/seeded-numbers.ts";
import { storeOf } from "#shared/view/view.testing.ts";
import { mountOf, rawRequest, serveSmall, type SmallGateway } from "./small-gateway.testing.ts";

const seed = Number(process.env["HOLDFAST_TEST_SEED"] ?? 20261120);
let small: SmallGateway;
beforeAll(async () => {
  const store = await storeOf([
    { path: "a/one", content: "one" },
    { path: "a/\xe9\n", content: "odd" },
    { path: "link", type: entryTypes.symlink, target: "a" },
  ]);
  small = await serveSmall(await mountOf(store, "store"), {
    listeners: [{ host: "127.0.0.1", port: 0, protocols: ["http", "webdav", "s3"] }],
  });
});
afterAll(() => small.gateway.close(0));

/** Whole numbers below 2³² that a seed gives. */
function numbers(from: number): () => number {
  const next = seededNumbers(from);
  return () => next() * 2 ** 32;
}

it(`no nonsense is a fault of the gateway, and nothing of it ends it (seed ${seed})`, async () => {
  const next = numbers(seed);
  const of = <Item>(items: readonly Item[]): Item => items[next() % items.length]!;
  const some = (count: number, items: readonly string[]): string =>
    Array.from({ length: next() % count }, () => of(items)).join("");
  const paths = [
    "/",
    "a",
    "one",
    "latest",
    "scripted",
    "link",
    "%2e%2e",
    "..",
    ".",
    "%00",
    "%2f",
    "%2F",
    "%E9",
    "%0a",
    "\xe9",
    "%",
    "//",
    ";",
    "%f4%8f%bf%a9",
    "none",
  ];
  const queries = [
    "list-type=2",
    "list-type=9",
    "prefix=",
    "prefix=scripted/a/",
    "delimiter=/",
    "delimiter=e",
    "max-keys=1",
    "max-keys=-1",
    "max-keys=9999999999",
    "marker=%f4%8f",
    "start-after=%ff",
    "continuation-token=MGE",
    "continuation-token=%00",
    "encoding-type=url",
    "versions",
    "acl",
    "location",
    "uploads",
    "attributes",
    "partNumber=1",
    "partNumber=x",
    "versionId=",
    "response-content-type=%0d%0aX:1",
    "X-Amz-Signature=1",
    "__proto__",
    "constructor=1",
    "toString",
    "%",
    "key-marker=a",
    "max-buckets=0",
    "tar",
    "zip",
    "sort=size",
  ];
  const headers = [
    "Depth: 0",
    "Depth: 1",
    "Depth: infinity",
    "Depth: \xff",
    "Range: bytes=0-",
    "Range: bytes=-1",
    "Range: bytes=9-1,2-3",
    "Range: x",
    "If-Match: *",
    'If-None-Match: "',
    "If-Modified-Since: x",
    "Authorization: AWS4-HMAC-SHA256 Credential=",
    "Authorization: AWS a:b",
    "x-amz-date: 1",
    "x-amz-object-attributes: ETag,X",
    "Destination: /x",
    "Content-Type: text/xml",
    "If: (<a>)",
    "Content-Length: 3",
  ];
  const methods = [
    "GET",
    "HEAD",
    "PROPFIND",
    "PROPFIND",
    "OPTIONS",
    "PUT",
    "POST",
    "DELETE",
    "MOVE",
    "LOCK",
    "PROPPATCH",
    "REPORT",
  ];
  const statuses = new Set<number>();
  const ask = async (): Promise<void> => {
    const path = `/${of(["", "dav/", "dav/latest/scripted/", "s3/", "s3/latest", "s3/latest/scripted/a/", "latest/"])}${some(3, ["/", ...paths])}`;
    const query = next() % 2 === 0 ? "" : `?${Array.from({ length: 1 + (next() % 3) }, () => of(queries)).join("&")}`;
    const chosen = new Set(Array.from({ length: next() % 4 }, () => of(headers)));
    if (next() % 2 === 0) chosen.add("Depth: 1");
    const request = `${of(methods)} ${path}${query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${[...chosen].map((line) => `${line}\r\n`).join("")}\r\n${chosen.has("Content-Length: 3") ? "<a>" : ""}`;
    const answer = await rawRequest(small.url, request);
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
    statuses.add(status);
    if (!(status >= 200 && status < 500))
      throw new Error(`${JSON.stringify(request)} was answered by ${JSON.stringify(answer.slice(0, 300))}`);
    if (/\r\nX:1/.test(answer)) throw new Error(`${JSON.stringify(request)} put a header into the answer`);
  };
  for (let round = 0; round < 40; round++) await Promise.all(Array.from({ length: 10 }, ask));
  expect(small.faults.map(String)).toEqual([]);
  expect([...statuses]).toEqual(expect.arrayContaining([200, 207, 403, 404, 405]));
});
