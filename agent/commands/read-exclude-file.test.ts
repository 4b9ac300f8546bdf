import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readExcludeFile } from "./read-exclude-file.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "holdfast-exclude-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function read(content: string): Promise<readonly string[]> {
  const path = join(directory, "patterns");
  writeFileSync(path, Buffer.from(content, "latin1"));
  return readExcludeFile(path, new AbortController().signal);
}

describe("readExcludeFile", () => {
  it("takes a byte order mark at the beginning for no part of the first pattern", async () => {
    expect(await read("\xef\xbb\xbf*.o\r\na\n")).toEqual(["*.o", "a", ""]);
    expect(await read("*.o\n\xef\xbb\xbfa")).toEqual(["*.o", "\xef\xbb\xbfa"]);
  });

  it("refuses a file in UTF-16", async () => {
    await expect(read("\xff\xfe*\0")).rejects.toMatchObject({ kind: "invalid", message: /UTF-16/ });
    await expect(read("\xfe\xff\0*")).rejects.toMatchObject({ kind: "invalid", message: /UTF-16/ });
  });

  it("refuses a pattern with a class that does not end, and names the line", async () => {
    await expect(read("*.o\n# [\n[abc\n")).rejects.toMatchObject({ kind: "invalid", message: /line 3 of .*\[abc/ });
  });
});
