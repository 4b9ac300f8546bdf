import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import { openStore } from "./open-store.ts";

async function kindOfGet(location: string): Promise<string> {
  const store = await openStore(location);
  try {
    await store.get("config");
    return "no error";
  } catch (error) {
    return isHoldfastError(error) ? error.kind : String(error);
  } finally {
    await store.close();
  }
}

describe("openStore", () => {
  it("opens each kind of location without touching anything", async () => {
    for (const [location, description] of [
      ["memory:", "memory:"],
      ["/nowhere/at/all/", "/nowhere/at/all"],
      ["file:///nowhere/at/all", "/nowhere/at/all"],
      ["s3://bucket/some/prefix?region=eu-west-1", "s3://bucket/some/prefix"],
      ["s3://bucket?endpoint=http://127.0.0.1:1", "s3://bucket"],
    ] as const) {
      const store = await openStore(location);
      expect(store.description).toBe(description);
      await store.close();
    }
  });

  it("says absent for reads of a directory that is not there, and unavailable for a server that is not there", async () => {
    expect(await kindOfGet("/nowhere/at/all")).toBe("absent");
    process.env["AWS_ACCESS_KEY_ID"] ??= "test";
    process.env["AWS_SECRET_ACCESS_KEY"] ??= "test";
    expect(await kindOfGet("s3://bucket?endpoint=http://127.0.0.1:1")).toBe("unavailable");
  });

  it("refuses unknown schemes and storage classes", async () => {
    await expect(openStore("ftp://x")).rejects.toMatchObject({ kind: "invalid" });
    await expect(openStore("s3://b?storage-class=CHEAP")).rejects.toMatchObject({ kind: "invalid" });
  });

  it("never loads the AWS SDK for a directory", async () => {
    const script = `
      import { registerHooks } from "node:module";
      const loaded = [];
      registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
      const { openStore } = await import(${JSON.stringify(new URL("open-store.ts", import.meta.url).href)});
      await openStore("/nowhere");
      const before = loaded.filter((url) => /aws-sdk|smithy|s3-store/.test(url)).length;
      await openStore("s3://bucket");
      const after = loaded.filter((url) => /aws-sdk|smithy|s3-store/.test(url)).length;
      console.log(JSON.stringify([before, after > 0]));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
    expect(JSON.parse(stdout)).toEqual([0, true]);
  });
});
