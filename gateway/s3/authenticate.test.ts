import { describe, expect, it } from "vitest";
import { configuredAccess, openAccess } from "#gateway/access/configured-access.ts";
import { type Authenticated, authenticate } from "./authenticate.ts";
import { canonicalPath } from "./canonical-path.ts";
import { queryOf } from "./query-of.ts";
import { signatureOf } from "./signature.ts";

// The examples of "Authenticating Requests (AWS Signature Version 4)" in the Amazon S3 API Reference.
const accessKeyId = "AKIAIOSFODNN7EXAMPLE";
const secretAccessKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const host = "examplebucket.s3.amazonaws.com";
const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const signedAtMs = Date.UTC(2013, 4, 24);
const access = configuredAccess({
  users: [],
  tokens: [],
  s3Keys: [{ name: "sample", accessKeyId, secretAccessKey, grant: {} }],
});

type Asked = { url: string; headers?: Record<string, string>; method?: string; nowMs?: number };
const ask = ({ url, headers = {}, method = "GET", nowMs = signedAtMs }: Asked): Promise<Authenticated> =>
  authenticate({
    access,
    method,
    path: canonicalPath(url.split("?")[0]!)!,
    query: queryOf(url)!,
    headers: new Headers(headers),
    host,
    nowMs,
  });
const verdict = (found: Authenticated): string => ("principal" in found ? found.principal.name : found.refusal.code);
const authorization = (signature: string, signed = "host;x-amz-content-sha256;x-amz-date", day = "20130524"): string =>
  `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${day}/us-east-1/s3/aws4_request,SignedHeaders=${signed},Signature=${signature}`;
const headers = (signature: string, signed?: string) => ({
  host,
  "x-amz-date": "20130524T000000Z",
  "x-amz-content-sha256": nothing,
  authorization: authorization(signature, signed),
});

const getObject = {
  url: "/test.txt",
  headers: {
    ...headers(
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
      "host;range;x-amz-content-sha256;x-amz-date",
    ),
    range: "bytes=0-9",
  },
};
const presigned =
  "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

describe("signatures in headers", () => {
  it.each([
    ["GetObject", getObject],
    [
      "a setting",
      { url: "/?lifecycle", headers: headers("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543") },
    ],
    [
      "a listing",
      {
        url: "/?max-keys=2&prefix=J",
        headers: headers("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
      },
    ],
    [
      "a listing, its parameters in another order",
      {
        url: "/?prefix=J&max-keys=2",
        headers: headers("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
      },
    ],
  ])("of AWS's example for %s are right", async (_, request) => {
    expect(verdict(await ask(request))).toBe("sample");
  });

  it("do not hold for anything else", async () => {
    const { url, headers: given } = getObject;
    const changed: Asked[] = [
      { url: "/test2.txt", headers: given },
      { url: "/test.txt?acl", headers: given },
      { url, headers: given, method: "HEAD" },
      { url, headers: { ...given, range: "bytes=0-10" } },
      { url, headers: { ...given, host: "other" } },
      { url, headers: { ...given, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } },
      { url, headers: { ...given, authorization: given.authorization.replace(/.$/, "0") } },
      { url, headers: { ...given, authorization: given.authorization.replace("us-east-1", "us-east-2") } },
      {
        url,
        headers: { ...given, authorization: authorization("", "host;range;x-amz-content-sha256;x-amz-date") + "ff" },
      },
    ];
    for (const each of changed) expect(verdict(await ask(each)), JSON.stringify(each)).toBe("SignatureDoesNotMatch");
  });

  it("hold for a quarter of an hour around the time that they tell", async () => {
    for (const [minutes, wanted] of [
      [-16, "RequestTimeTooSkewed"],
      [-14, "sample"],
      [14, "sample"],
      [16, "RequestTimeTooSkewed"],
    ] as const) {
      expect(verdict(await ask({ ...getObject, nowMs: signedAtMs + minutes * 60_000 }))).toBe(wanted);
    }
  });

  it.each([
    [
      "InvalidAccessKeyId",
      { authorization: getObject.headers.authorization.replace(accessKeyId, "AKIAIOSFODNN7EXAMPLF") },
    ],
    [
      "AuthorizationHeaderMalformed",
      { authorization: getObject.headers.authorization.replace("20130524", "20130523") },
    ],
    ["AuthorizationHeaderMalformed", { authorization: getObject.headers.authorization.replace("/s3/", "/ec2/") }],
    ["AuthorizationHeaderMalformed", { authorization: "AWS4-HMAC-SHA256" }],
    ["AuthorizationHeaderMalformed", { authorization: authorization("0".repeat(64), "x-amz-date") }],
    ["AuthorizationHeaderMalformed", { authorization: authorization("0".repeat(64), "x-amz-date;host") }],
    ["AuthorizationHeaderMalformed", { authorization: authorization("0".repeat(64), "host;host") }],
    ["InvalidRequest", { authorization: "AWS AKIAIOSFODNN7EXAMPLE:qgk2+6Sv9/oM7G3qLEjTH1a1l1g=" }],
    ["InvalidRequest", { authorization: "Basic YTpi" }],
    ["AccessDenied", { "x-amz-security-token": "not signed" }],
    ["AccessDenied", { "x-amz-date": "yesterday" }],
    ["RequestTimeTooSkewed", { "x-amz-date": "20130525T000000Z" }],
  ])("are refused as %s where they are wrong: %#", async (code, change) => {
    expect(verdict(await ask({ ...getObject, headers: { ...getObject.headers, ...change } }))).toBe(code);
  });

  it("of a body that a reading request has not are refused", async () => {
    for (const payloadHash of ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "0".repeat(64)]) {
      const scope = { day: "20130524", region: "us-east-1", service: "s3" };
      const signed = [
        ["host", host],
        ["x-amz-content-sha256", payloadHash],
        ["x-amz-date", "20130524T000000Z"],
      ] as const;
      const signature = signatureOf(
        { method: "GET", path: "/", query: [], headers: signed, payloadHash, time: "20130524T000000Z", scope },
        secretAccessKey,
      );
      const found = await ask({ url: "/", headers: { ...headers(signature), "x-amz-content-sha256": payloadHash } });
      expect(verdict(found)).toBe("XAmzContentSHA256Mismatch");
    }
  });

  it("nobody is let in without one, and everybody where access is open", async () => {
    expect(verdict(await ask({ url: "/test.txt" }))).toBe("AccessDenied");
    const open = await authenticate({
      access: openAccess,
      method: "GET",
      path: "/",
      query: [],
      headers: new Headers({ authorization: "AWS x:y" }),
      host,
      nowMs: 0,
    });
    expect(verdict(open)).toBe("-");
  });
});

describe("presigned URLs", () => {
  it("AWS's example holds for a day", async () => {
    for (const [seconds, wanted] of [
      [-901, "AccessDenied"],
      [-899, "sample"],
      [0, "sample"],
      [86_400, "sample"],
      [86_401, "AccessDenied"],
    ] as const) {
      expect(verdict(await ask({ url: presigned, headers: { host }, nowMs: signedAtMs + seconds * 1000 }))).toBe(
        wanted,
      );
    }
  });

  it.each([
    ["SignatureDoesNotMatch", presigned.replace("Expires=86400", "Expires=86401")],
    ["SignatureDoesNotMatch", `${presigned}&response-content-type=text%2Fhtml`],
    ["SignatureDoesNotMatch", presigned.replace("/test.txt", "/other.txt")],
    ["AuthorizationQueryParametersError", presigned.replace("Expires=86400", "Expires=604801")],
    ["AuthorizationQueryParametersError", presigned.replace("Expires=86400", "Expires=0")],
    ["AuthorizationQueryParametersError", presigned.replace("Expires=86400", "Expires=-5")],
    ["AuthorizationQueryParametersError", presigned.replace("&X-Amz-Expires=86400", "")],
    ["AuthorizationQueryParametersError", `${presigned}&X-Amz-Signature=0`],
    ["AuthorizationQueryParametersError", presigned.replace("SHA256&", "SHA1&")],
    ["InvalidRequest", "/test.txt?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=x&Expires=1"],
    ["AuthorizationQueryParametersError", presigned.replace("Date=20130524", "Date=20130525")],
  ])("are refused as %s where they are wrong: %#", async (code, url) => {
    expect(verdict(await ask({ url, headers: { host } }))).toBe(code);
  });

  it("are not taken beside a signature in headers", async () => {
    expect(verdict(await ask({ url: presigned, headers: getObject.headers }))).toBe("InvalidArgument");
  });
});
