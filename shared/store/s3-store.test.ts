import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import type { HoldfastError } from "#shared/errors.ts";
import { failing, type Script, scripted } from "./scripted-s3.testing.ts";
import { openS3Store } from "./s3-store.ts";
import type { Store } from "./store.ts";

async function errorOf(promise: Promise<unknown>): Promise<HoldfastError> {
  try {
    await promise;
  } catch (error) {
    if (isHoldfastError(error)) return error;
    throw error;
  }
  throw new Error("no error was thrown");
}

async function keysOf(store: Store): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list("")) keys.push(key);
  return keys;
}

const answering =
  (status: number, headers: Record<string, string>, body: Uint8Array): Script =>
  (_seen, answer) => {
    answer.writeHead(status, headers);
    answer.end(body);
  };

const page = (keys: readonly string[], more: string): string =>
  `<?xml version="1.0"?><ListBucketResult>${keys.map((key) => `<Contents><Key>some/prefix/${key}</Key><Size>1</Size></Contents>`).join("")}${more}</ListBucketResult>`;

const truncated = (token: string): string =>
  `<IsTruncated>true</IsTruncated><NextContinuationToken>${token}</NextContinuationToken>`;

const pages =
  (bodies: readonly string[]): Script =>
  (_seen, answer, count) => {
    answer.writeHead(200, { "content-type": "application/xml" });
    answer.end(bodies[Math.min(count, bodies.length) - 1]);
  };

describe("openS3Store sends", () => {
  it("puts with If-None-Match, length, SHA-256 twice over, plain, and the storage class for packs only", async () => {
    const { store, seen } = await scripted((_seen, answer) => answer.end(), { storageClass: "STANDARD_IA" });
    const parts = [Buffer.from("hello "), Buffer.from("world")];
    const sha256 = createHash("sha256").update("hello world").digest();
    await store.put("packs/ab/x", parts, { sha256 });
    await store.put("log/1", parts);
    await store.put("packs/ab/large", [new Uint8Array(3 << 20)]);
    for (const { method, headers } of seen) {
      expect(method).toBe("PUT");
      expect(headers["if-none-match"]).toBe("*");
      expect(headers["content-encoding"]).toBeUndefined();
      expect(headers["transfer-encoding"]).toBeUndefined();
      expect(headers["x-amz-trailer"]).toBeUndefined();
      expect(headers.expect).toBeUndefined();
    }
    for (const { headers, body } of seen.slice(0, 2)) {
      expect(body.toString()).toBe("hello world");
      expect(headers["content-length"]).toBe("11");
      expect(headers["x-amz-checksum-sha256"]).toBe(sha256.toString("base64"));
      expect(headers["x-amz-content-sha256"]).toBe(sha256.toString("hex"));
    }
    expect(seen.map(({ headers }) => headers["x-amz-storage-class"])).toEqual([
      "STANDARD_IA",
      undefined,
      "STANDARD_IA",
    ]);
    expect(seen[0]?.url.split("?")[0]).toBe("/bucket/some/prefix/packs/ab/x");
  });

  it("one request per call, whatever the answer", async () => {
    const { store, seen } = await scripted(failing(503, "SlowDown"));
    await errorOf(store.get("x"));
    await errorOf(store.put("x", []));
    expect(seen.length).toBe(2);
  });

  it("no more requests at once than it has sockets, and lets none wait into a time-out", async () => {
    let running = 0;
    let most = 0;
    const { store } = await scripted(
      (_seen, answer) => {
        most = Math.max(most, ++running);
        setTimeout(() => {
          running--;
          answer.writeHead(200, { "content-length": "1" });
          answer.end("x");
        }, 20);
      },
      { maxSockets: 4, connectTimeoutMs: 100 },
    );
    await Promise.all(Array.from({ length: 60 }, (_, index) => store.get(`k${index}`)));
    expect(most).toBe(4);
  });
});

describe("openS3Store maps answers:", () => {
  it.each([
    [404, "NoSuchKey", "absent"],
    [404, "", "absent"],
    [404, "NoSuchBucket", "absent"],
    [404, "XAdminUserNotFound", "unavailable"],
    [403, "AccessDenied", "denied"],
    [403, "SignatureDoesNotMatch", "denied"],
    [401, "Unauthorized", "denied"],
    [400, "ExpiredToken", "denied"],
    [403, "RequestTimeTooSkewed", "unavailable"],
    [500, "InternalError", "unavailable"],
    [502, "", "unavailable"],
    [503, "SlowDown", "unavailable"],
    [429, "TooManyRequests", "unavailable"],
    [501, "NotImplemented", "incompatible"],
    [301, "PermanentRedirect", "invalid"],
    [416, "InvalidRange", "corrupt"],
  ])("a get answered %i %s is %s", async (status, code, kind) => {
    const { store } = await scripted(failing(status, code));
    const error = await errorOf(store.get("x", { offsetBytes: 0, lengthBytes: 1 }));
    expect(error.kind).toBe(kind);
    expect(`${error.message} ${error.hint} ${JSON.stringify(error.detail)}`).not.toMatch(/AKIA|very-secret/);
  });

  it.each([
    [400, "BadDigest", "corrupt"],
    [400, "XAmzContentSHA256Mismatch", "corrupt"],
    [400, "RequestTimeout", "unavailable"],
    [400, "IncompleteBody", "unavailable"],
    [412, "PreconditionFailed", "conflict"],
    [501, "NotImplemented", "incompatible"],
    [403, "AccessDenied", "denied"],
    [404, "NoSuchBucket", "absent"],
  ])("a put answered %i %s is %s", async (status, code, kind) => {
    const { store } = await scripted(failing(status, code));
    expect((await errorOf(store.put("x", [Buffer.from("body")]))).kind).toBe(kind);
  });

  it("409 on a put makes it look: there is a conflict if the object is there, else it is worth a retry", async () => {
    for (const [status, kind] of [
      [200, "conflict"],
      [404, "unavailable"],
      [503, "unavailable"],
      [403, "denied"],
    ] as const) {
      const { store, seen } = await scripted((request, answer, count) => {
        if (request.method === "PUT") failing(409, "ConditionalRequestConflict")(request, answer, count);
        else answer.writeHead(status).end();
      });
      expect((await errorOf(store.put("x", [Buffer.from("body")]))).kind).toBe(kind);
      expect(seen.map(({ method }) => method)).toEqual(status === 403 ? ["PUT", "HEAD", "GET"] : ["PUT", "HEAD"]);
    }
  });

  it("Retry-After in seconds and as a date", async () => {
    const seconds = await scripted(failing(503, "SlowDown", { "retry-after": "7" }));
    expect((await errorOf(seconds.store.get("x"))).detail["retryAfterMs"]).toBe(7000);
    const headers = { date: "Fri, 20 Nov 2026 05:00:00 GMT", "retry-after": "Fri, 20 Nov 2026 05:01:30 GMT" };
    const date = await scripted(failing(503, "SlowDown", headers));
    expect((await errorOf(date.store.head("x"))).detail["retryAfterMs"]).toBe(90_000);
  });

  it("pages of a proxy, in place of XML", async () => {
    const page = await scripted((_seen, answer) =>
      answer.writeHead(200, { "content-type": "text/html" }).end("<html><body>Log in"),
    );
    expect((await errorOf(keysOf(page.store))).kind).toBe("unavailable");
    const gateway = await scripted((_seen, answer) => answer.writeHead(502).end("<html>Bad Gateway"));
    expect((await errorOf(keysOf(gateway.store))).kind).toBe("unavailable");
  });

  it("a delete of what is not there succeeds, and one in a bucket that is not there does not", async () => {
    const absent = await scripted(failing(404, "NoSuchKey"));
    await absent.store.delete("x");
    const noBucket = await scripted(failing(404, "NoSuchBucket"));
    expect((await errorOf(noBucket.store.delete("x"))).kind).toBe("absent");
  });
});

describe("openS3Store never accepts", () => {
  const range = { offsetBytes: 10, lengthBytes: 20 };

  it.each([
    ["the whole object for a part", answering(200, { "content-length": "100" }, new Uint8Array(100)), "incompatible"],
    [
      "another part",
      answering(206, { "content-length": "20", "content-range": "bytes 0-19/100" }, new Uint8Array(20)),
      "incompatible",
    ],
    [
      "a longer part",
      answering(206, { "content-length": "21", "content-range": "bytes 10-30/100" }, new Uint8Array(21)),
      "incompatible",
    ],
    [
      "a part cut by the end",
      answering(206, { "content-length": "5", "content-range": "bytes 10-14/15" }, new Uint8Array(5)),
      "corrupt",
    ],
    [
      "a part shorter than it says",
      answering(206, { "content-length": "19", "content-range": "bytes 10-29/100" }, new Uint8Array(19)),
      "unavailable",
    ],
    [
      "an answer without a length",
      answering(206, { "content-range": "bytes 10-29/100" }, new Uint8Array(20)),
      "incompatible",
    ],
  ] as const)("%s", async (_name, script, kind) => {
    const { store } = await scripted((seen, answer, count) => {
      answer.useChunkedEncodingByDefault = true;
      script(seen, answer, count);
    });
    expect((await errorOf(store.get("x", range))).kind).toBe(kind);
  });

  it("a part when the whole object was asked for", async () => {
    const { store } = await scripted(
      answering(206, { "content-length": "5", "content-range": "bytes 0-4/10" }, new Uint8Array(5)),
    );
    expect((await errorOf(store.get("x"))).kind).toBe("incompatible");
  });

  it("a body that ends early, whatever the connection does then", async () => {
    const { store } = await scripted((_seen, answer) => {
      answer.writeHead(200, { "content-length": "1000" });
      answer.write(new Uint8Array(500), () => answer.destroy());
    });
    expect((await errorOf(store.get("x"))).kind).toBe("unavailable");
  });

  it("silence: before the answer, or in the middle of a body", async () => {
    const mute = await scripted(() => undefined, { idleTimeoutMs: 100 });
    expect((await errorOf(mute.store.get("x"))).kind).toBe("unavailable");
    expect((await errorOf(mute.store.put("x", [Buffer.from("x")]))).kind).toBe("unavailable");
    const stalled = await scripted(
      (_seen, answer) => {
        answer.writeHead(200, { "content-length": "1000" });
        answer.write(new Uint8Array(500));
      },
      { idleTimeoutMs: 100 },
    );
    expect((await errorOf(stalled.store.get("x"))).kind).toBe("unavailable");
  });

  it("multipart checksums as those of the object", async () => {
    const sum = createHash("sha256").update("x").digest("base64");
    for (const [checksum, type, told] of [
      [sum, "FULL_OBJECT", true],
      [sum, undefined, true],
      [`${sum}-3`, undefined, false],
      [sum, "COMPOSITE", false],
      ["AAAA", "FULL_OBJECT", false],
    ] as const) {
      const { store } = await scripted((_seen, answer) => {
        answer.writeHead(200, {
          "content-length": "1",
          "x-amz-checksum-sha256": checksum,
          ...(type === undefined ? {} : { "x-amz-checksum-type": type }),
        });
        answer.end();
      });
      const { sha256 } = await store.head("x");
      expect(sha256 !== undefined, `${checksum} ${type}`).toBe(told);
    }
  });
});

describe("openS3Store lists", () => {
  const end = "<IsTruncated>false</IsTruncated>";

  it("page by page, by token, or by the last key where the server gives none", async () => {
    const tokens = await scripted(
      pages([page(["a", "b"], truncated("t1")), page([], truncated("t2")), page(["c"], end)]),
    );
    expect(await keysOf(tokens.store)).toEqual(["a", "b", "c"]);
    expect(tokens.seen.map(({ url }) => new URL(url, "http://x").searchParams.get("continuation-token"))).toEqual([
      null,
      "t1",
      "t2",
    ]);
    const none = await scripted(pages([page(["a", "b"], "<IsTruncated>true</IsTruncated>"), page(["c"], end)]));
    expect(await keysOf(none.store)).toEqual(["a", "b", "c"]);
    expect(none.seen.map(({ url }) => new URL(url, "http://x").searchParams.get("start-after"))).toEqual([
      null,
      "some/prefix/b",
    ]);
    for (const { url } of [...tokens.seen, ...none.seen])
      expect(new URL(url, "http://x").searchParams.has("delimiter")).toBe(false);
  });

  it("past keys that are not ours, encoded or not", async () => {
    const { store } = await scripted(
      pages([page(["", "a", "a%20b", "packs/", "%", "é", "z"], `<EncodingType>url</EncodingType>${end}`)]),
    );
    expect(await keysOf(store)).toEqual(["a", "z"]);
  });

  it.each([
    ["a page that comes twice", [page(["a", "b"], truncated("t")), page(["a", "b"], end)]],
    ["keys in another order", [page(["b", "a"], end)]],
    ["a key twice", [page(["a", "a"], end)]],
    ["a page without keys or a way on", [page([], "<IsTruncated>true</IsTruncated>")]],
    ["the same token for ever", [page([], truncated("t"))]],
    ["keys outside of the prefix", [page(["a"], end).replaceAll("some/prefix", "other")]],
  ])("and refuses %s", async (_name, bodies) => {
    const { store } = await scripted(pages(bodies));
    expect((await errorOf(keysOf(store))).kind).toBe("incompatible");
  });

  it("and fails when a page fails, after giving the pages before", async () => {
    const { store } = await scripted((seen, answer, count) => {
      if (count === 2) failing(500, "InternalError")(seen, answer, count);
      else pages([page(["a", "b"], truncated("t"))])(seen, answer, count);
    });
    const got: string[] = [];
    const error = await errorOf(
      (async () => {
        for await (const { key } of store.list("")) got.push(key);
      })(),
    );
    expect([error.kind, got]).toEqual(["unavailable", ["a", "b"]]);
  });
});

describe("openS3Store refuses", () => {
  it.each([
    { bucket: "" },
    { bucket: "a/b" },
    { bucket: "bucket", prefix: "/x" },
    { bucket: "bucket", prefix: "a//b" },
    { bucket: "bucket", storageClass: "CHEAP" },
  ])("%j", async (options) => {
    expect((await errorOf(openS3Store(options))).kind).toBe("invalid");
  });
});
