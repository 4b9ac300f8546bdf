import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { logMarkFile } from "./log-mark-file.ts";

let dataDirectory: string;
const notices: string[] = [];
beforeEach(() => {
  dataDirectory = mkdtempSync(join(tmpdir(), "holdfast-log-marks-"));
  notices.length = 0;
});
afterEach(() => rmSync(dataDirectory, { recursive: true }));

const at = (place: string) =>
  logMarkFile({
    dataDirectory,
    storeId: "ab",
    place,
    reporter: { notice: ({ message }) => void notices.push(message) },
  });
const mark = (seq: number, fill = seq) => ({ seq, sha256: new Uint8Array(32).fill(fill) });

describe("logMarkFile", () => {
  it("gives the highest entry that was seen at any location, and where", () => {
    expect(at("/a").read()).toBeUndefined();
    at("/a").write(mark(7));
    at("/b c").write(mark(9));
    at("/a").write(mark(8));
    expect(at("/elsewhere").read()).toMatchObject({ seq: 9, place: "/b c" });
    expect(Buffer.from(at("/a").read()?.sha256 ?? []).equals(mark(9).sha256)).toBe(true);
  });

  it("keeps a higher entry that another run saw at the same location", () => {
    at("/a").write(mark(9));
    at("/a").write(mark(8));
    expect(at("/a").read()).toMatchObject({ seq: 9 });
  });

  it("forgets all locations when another log is accepted", () => {
    at("/a").write(mark(9));
    at("/b").write(mark(12));
    at("/b").accept(mark(3));
    expect(at("/a").read()).toMatchObject({ seq: 3, place: "/b" });
  });

  it("takes lines that it cannot read for nothing seen, and remembers a bounded number of locations", () => {
    at("/a").write(mark(1));
    const path = join(dataDirectory, "log-marks", "ab");
    writeFileSync(path, `rubbish\n${readFileSync(path, "utf8")}4 ${"cd".repeat(32)}\n`);
    expect(at("/a").read()).toMatchObject({ seq: 4, place: undefined });
    for (let place = 0; place < 40; place++) at(`/${place}`).write(mark(10 + place));
    expect(readFileSync(path, "utf8").trimEnd().split("\n")).toHaveLength(16);
  });

  it("tells that it cannot be written, and throws nothing", () => {
    rmSync(dataDirectory, { recursive: true });
    writeFileSync(dataDirectory, "");
    at("/a").write(mark(1));
    expect(notices).toHaveLength(1);
  });
});
