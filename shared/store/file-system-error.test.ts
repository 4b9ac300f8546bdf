import { open } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import { fileSystemError } from "./file-system-error.ts";
import { writeWhole } from "./whole-write.ts";

describe("fileSystemError", () => {
  it.skipIf(process.platform !== "linux")(
    "turns a disk that is really full into unavailable, with a hint",
    async () => {
      const full = await open("/dev/full", "w");
      const error: unknown = await writeWhole(full, [new Uint8Array(10)]).catch((caught: unknown) => caught);
      await full.close();
      const mapped = fileSystemError(error, "create x");
      expect([mapped.kind, mapped.message]).toEqual(["unavailable", "Cannot create x: the disk is full"]);
      expect(mapped.hint).toContain("Free some space");
    },
  );

  it.each([
    ["ENOSPC", "unavailable"],
    ["EDQUOT", "unavailable"],
    ["EIO", "unavailable"],
    ["EACCES", "denied"],
    ["EROFS", "unavailable"],
    ["ENOENT", "absent"],
    ["EEXIST", "conflict"],
    ["ENAMETOOLONG", "invalid"],
    ["ECRAZY", "internal"],
  ])("%s is %s", (code, kind) => {
    expect(fileSystemError(Object.assign(new Error("x"), { code }), "do it").kind).toBe(kind);
  });

  it("passes HoldfastErrors unchanged", () => {
    const error = new HoldfastError("conflict", "x");
    expect(fileSystemError(error, "do it")).toBe(error);
  });
});
