import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { failing, type Script, scripted, type Seen } from "./scripted-s3.testing.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "holdfast-credentials-"));
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"])
    vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", join(directory, "credentials"));
  vi.stubEnv("AWS_CONFIG_FILE", join(directory, "config"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

function writeToken(token: string): void {
  const lines = [
    "[default]",
    "aws_access_key_id = AKIAEXAMPLE",
    "aws_secret_access_key = s",
    `aws_session_token = ${token}`,
  ];
  writeFileSync(join(directory, "credentials"), `${lines.join("\n")}\n`);
}

const tokenOf = ({ headers }: Seen): unknown => headers["x-amz-security-token"];

/** A server for which OLD has expired, so it says with `status` and `code`; to a HEAD it cannot say why. */
const expired =
  (status: number, code: string): Script =>
  (seen, answer, count) => {
    if (tokenOf(seen) === "OLD") failing(status, seen.method === "HEAD" ? "" : code)(seen, answer, count);
    else answer.writeHead(200, { "content-length": 1 }).end(seen.method === "HEAD" ? undefined : "x");
  };

const fromFiles = { credentials: undefined } as never;

describe("credentials that a server refuses are looked up again", () => {
  it.each([
    [400, "ExpiredToken"],
    [400, "ExpiredTokenException"],
    [400, "InvalidToken"],
    [403, "InvalidToken"],
    [400, "TokenRefreshRequired"],
    [403, "RequestExpired"],
    [403, "InvalidAccessKeyId"],
  ])("%i %s: a request is signed anew with what a file holds by now", async (status, code) => {
    for (const call of ["get", "put", "head", "delete"] as const) {
      writeToken("OLD");
      const { store, seen } = await scripted(expired(status, code), fromFiles);
      await store.delete("first").catch(() => undefined); // the credentials are read
      writeToken("NEW");
      seen.length = 0;
      if (call === "put") await store.put("x", [Buffer.from("x")]);
      else await store[call]("x");
      expect(tokenOf(seen.at(-1)!)).toBe("NEW");
    }
  });

  it("once for a request, and then the refusal is told", async () => {
    writeToken("OLD");
    const { store, seen } = await scripted(expired(400, "ExpiredToken"), fromFiles);
    await expect(store.get("x")).rejects.toMatchObject({ kind: "denied", detail: { code: "ExpiredToken" } });
    expect(seen.map(tokenOf)).toEqual(["OLD", "OLD"]);
  });

  it("once for many requests that are refused at the same time", async () => {
    writeToken("OLD");
    const counter = join(directory, "count");
    const command = join(directory, "credentials.js");
    writeFileSync(join(directory, "credentials"), "");
    writeFileSync(
      command,
      `const fs = require("fs"); fs.appendFileSync(${JSON.stringify(counter)}, "x");
       const first = fs.readFileSync(${JSON.stringify(counter)}).length === 1;
       console.log(JSON.stringify({ Version: 1, AccessKeyId: "A", SecretAccessKey: "s", SessionToken: first ? "OLD" : "NEW",
         Expiration: new Date(Date.now() + 3600e3).toISOString() }));`,
    );
    writeFileSync(join(directory, "config"), `[default]\ncredential_process = "${process.execPath}" "${command}"\n`);
    const { store, seen } = await scripted(expired(400, "ExpiredToken"), fromFiles);
    await Promise.all(Array.from({ length: 20 }, () => store.get("x")));
    expect(new Set(seen.map(tokenOf))).toEqual(new Set(["OLD", "NEW"]));
    const { readFileSync } = await import("node:fs");
    expect(readFileSync(counter, "utf8")).toBe("xx");
  });

  it("not for a denial of another cause", async () => {
    const { store, seen } = await scripted(failing(403, "AccessDenied"));
    await expect(store.get("x")).rejects.toMatchObject({ kind: "denied" });
    expect(seen).toHaveLength(1);
  });
});

describe("a HEAD that is refused without a word", () => {
  it.each([
    [400, "ExpiredToken", "denied"],
    [400, "AuthorizationHeaderMalformed", "invalid"],
    [403, "AccessDenied", "denied"],
    [403, "NoSuchBucket", "absent"],
    [403, "RequestTimeTooSkewed", "unavailable"],
    [301, "PermanentRedirect", "invalid"],
  ] as const)("%i: the cause %s is found by a GET, and it is %s", async (status, code, kind) => {
    const { store } = await scripted((seen, answer, count) =>
      failing(status, seen.method === "HEAD" ? "" : code)(seen, answer, count),
    );
    await expect(store.head("x")).rejects.toMatchObject({ kind, detail: { code } });
  });

  it("is worth a retry where GET is answered, and no fault of the command", async () => {
    for (const status of [206, 416]) {
      const { store } = await scripted((seen, answer) => answer.writeHead(seen.method === "HEAD" ? 400 : status).end());
      await expect(store.head("x")).rejects.toMatchObject({
        kind: "unavailable",
        detail: { httpStatus: 400, brief: true },
      });
    }
  });
});
