import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { OwnerNames } from "./owner-names.ts";

const root = mkdtempSync(join(tmpdir(), "holdfast-owners-"));
afterAll(() => rmSync(root, { recursive: true }));
const passwdPath = join(root, "passwd");
const groupPath = join(root, "group");
writeFileSync(
  passwdPath,
  Buffer.from(
    "root:x:0:0::/:/bin/sh\n# no user:x:5:5\n+nis\ntoor:x:0:0::/:\nj\xfcrg:x:1000:1000:J:/:\nbroken\nhigh:x:4294967294:1::/:\n",
    "latin1",
  ),
);
writeFileSync(groupPath, "root:x:0:\nstaff:x:50:a,b\n");

test("OwnerNames reads the files: the first of a number counts, names keep their bytes", () => {
  const names = new OwnerNames({ passwdPath, groupPath, askSystem: false });
  expect([0, 1000, 4_294_967_294, 5, 77].map((uid) => names.userName(uid))).toEqual([
    "root",
    "j\xfcrg",
    "high",
    undefined,
    undefined,
  ]);
  expect([0, 50, 51].map((gid) => names.groupName(gid))).toEqual(["root", "staff", undefined]);
});

test("a restored entry belongs to the name where there is one, else to the number", () => {
  const names = new OwnerNames({ passwdPath, groupPath, askSystem: false });
  expect(names.restoredUid("j\xfcrg", 7)).toBe(1000);
  expect(names.restoredUid("toor", 7)).toBe(0);
  expect(names.restoredUid("stranger", 7)).toBe(7);
  expect(names.restoredUid(undefined, 7)).toBe(7);
  expect(names.restoredGid("staff", 7)).toBe(50);
  expect(names.restoredGid("", 7)).toBe(7);
});

test("files that are not there give no names", () => {
  const names = new OwnerNames({ passwdPath: join(root, "absent"), groupPath: join(root, "absent"), askSystem: false });
  expect(names.userName(0)).toBeUndefined();
});

describe.runIf(process.platform === "linux")("the system's name service", () => {
  test("agrees with getent, both ways", () => {
    const absent = join(root, "absent");
    const names = new OwnerNames({ passwdPath: absent, groupPath: absent });
    for (const [name = "", , uid = ""] of table("passwd")) {
      expect([names.userName(Number(uid)), names.restoredUid(name, -1)]).toEqual([name, Number(uid)]);
    }
    for (const [name = "", , gid = ""] of table("group")) {
      expect([names.groupName(Number(gid)), names.restoredGid(name, -1)]).toEqual([name, Number(gid)]);
    }
    expect(names.userName(3_999_999_999)).toBeUndefined();
    expect(names.restoredGid("no such group", 8)).toBe(8);
  });
});

function table(database: string): string[][] {
  const lines = execFileSync("getent", [database], { encoding: "latin1" }).trim().split("\n");
  return lines.map((line) => line.split(":"));
}
