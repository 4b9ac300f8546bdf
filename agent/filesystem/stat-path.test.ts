import { execFileSync, spawnSync } from "node:child_process";
import { linkSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { createEntryStat } from "./entry-stat.ts";
import { disableLibc } from "./libc.ts";
import { closeDirectory, openDirectory } from "./list-directory.ts";
import { statInto, statPath } from "./stat-path.ts";

const root = mkdtempSync(join(tmpdir(), "holdfast-stat-"));
afterAll(() => rmSync(root, { recursive: true }));
afterEach(() => disableLibc(false));

writeFileSync(join(root, "file"), "content", { mode: 0o640 });
linkSync(join(root, "file"), join(root, "second"));
symlinkSync("file", join(root, "link"));
const before1970 = "@-12345.123456789";
const after2038 = "@4200000000.987654321";

describe.runIf(process.platform === "linux")("statPath", () => {
  execFileSync("touch", ["-h", "-d", before1970, join(root, "file")]);
  execFileSync("touch", ["-h", "-d", after2038, join(root, "link")]);
  execFileSync("mkfifo", [join(root, "fifo")]);
  const paths = [
    ...["file", "second", "link", "fifo", "."].map((name) => join(root, name)),
    "/dev/null",
    "/proc/1/stat",
  ];

  test.each(paths)("agrees with stat(1) about %s", (path) => {
    const format = "%f %u %g %h %s %b %Hd %Ld %i %.9Y %.9Z %t %T";
    const told = execFileSync("stat", ["-c", format, path], { encoding: "utf8" }).trim().split(" ");
    const stat = statPath(path);
    const inode = (BigInt(stat.inodeHi) << 32n) | BigInt(stat.inodeLo);
    expect([
      stat.mode,
      stat.uid,
      stat.gid,
      stat.nlink,
      stat.size,
      stat.blocks512,
      stat.deviceMajor,
      stat.deviceMinor,
      inode,
      nanoseconds(stat.ctimeSec, stat.ctimeNsec),
      stat.rdevMajor,
      stat.rdevMinor,
    ]).toEqual([
      Number.parseInt(told[0] ?? "", 16) & 0o7777,
      ...told.slice(1, 8).map(Number),
      BigInt(told[8] ?? ""),
      toNanoseconds(told[10] ?? ""),
      Number.parseInt(told[11] ?? "", 16),
      Number.parseInt(told[12] ?? "", 16),
    ]);
    expect(nanoseconds(stat.mtimeSec, stat.mtimeNsec)).toBe(toNanoseconds(told[9] ?? ""));
  });

  test("counts time downwards from 1970 and beyond 2038 in seconds and nanoseconds upwards from them", () => {
    expect(statPath(join(root, "file"))).toMatchObject({ mtimeSec: -12_346, mtimeNsec: 876_543_211 });
    expect(statPath(join(root, "link"))).toMatchObject({ mtimeSec: 4_200_000_000, mtimeNsec: 987_654_321 });
  });

  test("does not follow a symlink", () => {
    expect(statPath(join(root, "link")).type).toBe("symlink");
  });

  test.each(paths.filter((path) => !path.startsWith("/proc")))("tells the same of %s without libc", (path) => {
    const withLibc = statPath(path);
    disableLibc(true);
    const without = statPath(path);
    // Birth and attributes are not told by every Node and kernel.
    const { attributes: _a, hasBtime: _b, btimeSec: _c, btimeNsec: _d, ...rest } = withLibc;
    expect(without).toMatchObject(rest);
  });

  test("takes a name in an open directory, and any bytes", () => {
    writeFileSync(Buffer.from(`${root}/\xff\xfe`, "latin1"), "12345");
    const fd = openDirectory(root);
    expect(statPath("\xff\xfe", fd).size).toBe(5);
    expect(statPath(`${root}/\xff\xfe`).size).toBe(5);
    disableLibc(true);
    expect(statPath("\xff\xfe", fd).size).toBe(5);
    disableLibc(false);
    closeDirectory(fd);
  });

  test.each([false, true])("says what is wrong, libc switched off: %s", (off) => {
    disableLibc(off);
    expect(statInto(join(root, "absent"), createEntryStat())).toBe(2);
    expect(statInto(join(root, "file/below"), createEntryStat())).toBe(20);
    expect(() => statPath(join(root, "absent\n"))).toThrow(
      expect.objectContaining({ kind: "absent", detail: { path: join(root, "absent\\n"), errno: "ENOENT" } }),
    );
  });

  test("shows immutable and append-only among the attributes", () => {
    const path = join(root, "append-only");
    writeFileSync(path, "");
    if (spawnSync("chattr", ["+a", path]).status !== 0) {
      process.stderr.write("SKIPPED: no append-only file can be made here\n");
      return;
    }
    try {
      expect(statPath(path).attributes & 0x20).toBe(0x20);
    } finally {
      execFileSync("chattr", ["-a", path]);
    }
  });
});

function nanoseconds(sec: number, nsec: number): bigint {
  return BigInt(sec) * 1_000_000_000n + BigInt(nsec);
}

function toNanoseconds(text: string): bigint {
  const [whole = "", fraction = ""] = text.split(".");
  const sign = whole.startsWith("-") ? -1n : 1n;
  return BigInt(whole) * 1_000_000_000n + sign * BigInt(fraction);
}
