import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { fileIdentity, readKeptCode, writeKeptCode } from "./kept-code.ts";

const directory = mkdtempSync(join(tmpdir(), "kept-code-"));
afterAll(() => rmSync(directory, { recursive: true }));

describe("kept code", () => {
  const file = join(directory, "kept");
  const kept = { generation: 2, code: Buffer.from("some compiled code") };

  it("is what was written, for the same identity only", () => {
    writeKeptCode(file, "one", kept);
    expect(readKeptCode(file, "one")).toEqual(kept);
    expect(readKeptCode(file, "two")).toBeUndefined();
    expect(readKeptCode(join(directory, "none"), "one")).toBeUndefined();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(["kept"]);
  });

  it("is none where a byte of it is another, or some are missing", () => {
    writeKeptCode(file, "one", kept);
    const whole = readFileSync(file);
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      writeFileSync(file, damaged);
      // The generation alone is not covered: it decides only when code is kept again.
      if (at >= 8 && at < 12) expect(readKeptCode(file, "one")?.code).toEqual(kept.code);
      else expect(readKeptCode(file, "one"), `byte ${at}`).toBeUndefined();
      writeFileSync(file, whole.subarray(0, at));
      expect(readKeptCode(file, "one"), `${at} bytes`).toBeUndefined();
    }
  });

  it("is not written where it cannot be, without a word", () => {
    writeKeptCode(join(file, "below-a-file"), "one", kept);
    expect(readKeptCode(join(file, "below-a-file"), "one")).toBeUndefined();
  });
});

describe("fileIdentity", () => {
  it("is another one once the file was replaced or written to, even with the same length and time", () => {
    const [one, two] = [join(directory, "a"), join(directory, "b")];
    writeFileSync(one, "aaaa");
    utimesSync(one, 1, 1);
    const first = fileIdentity(one);
    expect(fileIdentity(one)).toBe(first);
    writeFileSync(two, "bbbb");
    utimesSync(two, 1, 1);
    renameSync(two, one);
    const second = fileIdentity(one);
    expect(second).not.toBe(first);
  });
});
