import { describe, expect, it } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import { parseStoreLocation } from "./store-location.ts";

describe("parseStoreLocation", () => {
  it.each([
    ["/var/backups", { kind: "directory", path: "/var/backups" }],
    ["backups", { kind: "directory", path: "backups" }],
    ["./a b/ä", { kind: "directory", path: "./a b/ä" }],
    ["C:\\backups", { kind: "directory", path: "C:\\backups" }],
    ["file:///var/back%20ups", { kind: "directory", path: "/var/back ups" }],
    ["memory:", { kind: "memory" }],
    ["s3://bucket", { kind: "s3", bucket: "bucket", prefix: "" }],
    ["s3://bucket/", { kind: "s3", bucket: "bucket", prefix: "" }],
    ["s3://my.bucket/a/b/", { kind: "s3", bucket: "my.bucket", prefix: "a/b" }],
    [
      "s3://b/p?endpoint=https%3A%2F%2Fs3.example%3A9000&region=eu-west-1&path-style=0&storage-class=STANDARD_IA&profile=backup",
      {
        kind: "s3",
        bucket: "b",
        prefix: "p",
        endpoint: "https://s3.example:9000",
        region: "eu-west-1",
        pathStyle: false,
        storageClass: "STANDARD_IA",
        profile: "backup",
      },
    ],
    [
      "s3://b?endpoint=http://127.0.0.1:9000&path-style=1",
      { kind: "s3", bucket: "b", prefix: "", endpoint: "http://127.0.0.1:9000", pathStyle: true },
    ],
  ])("reads %s", (text, location) => {
    expect(parseStoreLocation(text)).toEqual(location);
  });

  it.each([
    "",
    "a\0b",
    "ftp://host/x",
    "sftp://host/x",
    "memory:x",
    "file:relative",
    "file:///x?y=1",
    "s3:///prefix",
    "s3://bucket:9000/x",
    "s3://bucket/a//b",
    "s3://bucket/ä",
    "s3://bucket/a?colour=red",
    "s3://b?region=a&region=b",
    "s3://b?region=",
    "s3://b?path-style=maybe",
    "s3://b?endpoint=nowhere",
    "s3://b?endpoint=ftp://x",
    "s3://b#x",
  ])("refuses %j", (text) => {
    expect(kindOf(() => parseStoreLocation(text))).toBe("invalid");
  });

  it("names the known forms when the scheme is unknown", () => {
    const error = caught(() => parseStoreLocation("gopher://x"));
    expect(isHoldfastError(error, "invalid") && error.hint).toMatch(/file:\/\/\/.*s3:\/\//);
    // That one is for tests, and gone with the process.
    expect(isHoldfastError(error) && error.hint).not.toContain("memory:");
  });

  it.each(["s3://AKIA:topsecret@bucket/x", "s3://b?endpoint=http://user:topsecret@host"])(
    "refuses %s without repeating its secret",
    (text) => {
      const error = caught(() => parseStoreLocation(text));
      expect(
        isHoldfastError(error, "invalid") && `${error.message} ${error.hint} ${JSON.stringify(error.detail)}`,
      ).not.toContain("topsecret");
    },
  );
});

function caught(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

function kindOf(action: () => unknown): string {
  const error = caught(action);
  return isHoldfastError(error) ? error.kind : "no error";
}
