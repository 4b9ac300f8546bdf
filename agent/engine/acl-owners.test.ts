import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FilesystemExporter } from "#agent/exporters/filesystem-exporter.ts";
import { replaceExtended } from "#agent/filesystem/apply-extended.ts";
import { readExtended } from "#agent/filesystem/read-extended.ts";
import { isForeignAcl, mapAcls } from "#agent/filesystem/posix-acl.ts";
import { emptyEntry, entryTypes } from "#shared/format/entry.ts";
import { liveRecords, readSnapshot } from "#shared/snapshot/read-snapshot.ts";
import { openSmall } from "#shared/operations/small-store.testing.ts";
import { SmallHost } from "./small-host.testing.ts";

type Row = readonly [tag: number, permissions: number, id: number];
const nobody = 0xffff_ffff;

/** An ACL as the kernel keeps it: owner, users, group, groups, mask, others. */
function acl({ users = [], groups = [] }: { readonly users?: readonly number[]; readonly groups?: readonly number[] }) {
  return aclOf([
    [1, 6, nobody],
    ...users.map((id): Row => [2, 4, id]),
    [4, 4, nobody],
    ...groups.map((id): Row => [8, 5, id]),
    [16, 7, nobody],
    [32, 0, nobody],
  ]);
}

function aclOf(rows: readonly Row[]): Uint8Array {
  const value = Buffer.alloc(4 + 8 * rows.length);
  value.writeUInt32LE(2, 0);
  for (const [number, [tag, permissions, id]] of rows.entries()) {
    value.writeUInt16LE(tag, 4 + 8 * number);
    value.writeUInt16LE(permissions, 6 + 8 * number);
    value.writeUInt32LE(id, 8 + 8 * number);
  }
  return new Uint8Array(value);
}

const access = "system.posix_acl_access";
const byDefault = "system.posix_acl_default";
const directory = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-acl-")));
const [user, group] = [anyName("/etc/passwd"), anyName("/etc/group")];
let isPossible = false;
afterAll(() => rmSync(directory, { recursive: true }));

/** A user or group of this machine that is not root. */
function anyName(path: string): { readonly name: string; readonly id: number } {
  const lines = readFileSync(path, "latin1").split("\n");
  const [name = "", , id = ""] = lines.map((line) => line.split(":")).find(([, , number]) => Number(number) > 0) ?? [];
  return { name, id: Number(id) };
}

beforeAll(() => {
  writeFileSync(join(directory, "probe"), "");
  isPossible = replaceExtended(join(directory, "probe"), [[access, acl({ users: [7] })]]).length === 0;
  if (!isPossible) process.stderr.write(`SKIPPED: that ACLs are mapped on disk: ${directory} takes none\n`);
});

describe("owners of ACLs", () => {
  const owners = { uid: (uid: number) => uid + 100, gid: (gid: number) => gid + 200 };

  it("are mapped, users and groups, and nothing else is", () => {
    const attributes = [
      ["security.capability", Uint8Array.of(1, 2)],
      [access, acl({ users: [1, 9], groups: [3] })],
      [byDefault, acl({ users: [2] })],
      ["user.note", acl({ users: [1] })],
    ] as const;
    expect(mapAcls(attributes, owners)).toEqual([
      attributes[0],
      [access, acl({ users: [101, 109], groups: [203] })],
      [byDefault, acl({ users: [102] })],
      attributes[3],
    ]);
  });

  it("are left alone where nothing changes, and where it is no ACL that we know", () => {
    const same = { uid: (uid: number) => uid, gid: (gid: number) => gid };
    const odd = [Uint8Array.of(), Uint8Array.of(3, 0, 0, 0), acl({ users: [1] }).subarray(0, 21)];
    for (const value of [acl({ users: [9, 1] }), ...odd])
      expect(mapAcls([[access, value]], value === odd[0] ? owners : same)).toEqual([[access, value]]);
    for (const value of odd) expect(mapAcls([[access, value]], owners)).toEqual([[access, value]]);
    for (const name of ["system.nfs4_acl", "system.nfs4_dacl"]) expect(isForeignAcl(name)).toBe(true);
  });

  it("come in the order of their numbers here, and two that are one may do what both might", () => {
    const uid = (number: number): number => ({ 10: 30, 20: 5, 40: 5 })[number] ?? number;
    const before = aclOf([
      [1, 7, nobody],
      [2, 7, 10],
      [2, 6, 20],
      [2, 5, 40],
      [4, 0, nobody],
      [32, 0, nobody],
    ]);
    const after = aclOf([
      [1, 7, nobody],
      [2, 4, 5],
      [2, 7, 30],
      [4, 0, nobody],
      [32, 0, nobody],
    ]);
    expect(mapAcls([[access, before]], { uid, gid: (gid) => gid })).toEqual([[access, after]]);
  });

  it.each(["names", "numbers"] as const)("are restored to files and directories by %s", (how) => {
    if (!isPossible) return;
    const root = join(directory, how);
    mkdirSync(root);
    const told: string[] = [];
    const exporter = new FilesystemExporter({
      root,
      makesRoot: true,
      overwrite: "always",
      xattrs: true,
      sparse: false,
      owners: { how, userNames: new Map([["4242", user.name]]), groupNames: new Map([["4343", group.name]]) },
      onUnmappedAcl: () => void told.push("told"),
    });
    const wanted = (ids: readonly [number, number]) => acl({ users: [ids[0]], groups: [ids[1]] });
    const stored: [string, Uint8Array][] = [[access, wanted([4242, 4343])]];
    const entry = {
      ...emptyEntry("", "file", entryTypes.file),
      mode: 0o670,
      uid: process.getuid!(),
      gid: process.getgid!(),
    };
    exporter.finishFile(exporter.openFile("file", { ...entry, xattrs: stored }, "create"));
    exporter.makeDirectory("folder");
    const both = [...stored, [byDefault, wanted([4242, 4343])] as [string, Uint8Array]];
    exporter.finishDirectory("folder", { ...entry, type: entryTypes.directory, name: "folder", xattrs: both });
    exporter.decide("other", { ...entry, xattrs: [["system.nfs4_acl", Uint8Array.of(0, 0, 0, 0)]] });
    exporter.close();
    const ids = how === "names" ? ([user.id, group.id] as const) : ([4242, 4343] as const);
    expect(readExtended(join(root, "file"), [])).toEqual([[access, wanted(ids)]]);
    expect(readExtended(join(root, "folder"), [])).toEqual([
      [access, wanted(ids)],
      [byDefault, wanted(ids)],
    ]);
    expect(told).toEqual(how === "names" ? ["told"] : []);
  });
});

it("a snapshot names the owners that stand in ACLs alone, also of entries that are not read again", async () => {
  if (!isPossible) return;
  const host = await SmallHost.make();
  const read = join(host.source, "read");
  const looked = join(host.source, "looked at");
  writeFileSync(read, "content");
  mkdirSync(looked);
  symlinkSync("read", join(host.source, "link"));
  expect(replaceExtended(read, [[access, acl({ users: [user.id] })]])).toEqual([]);
  expect(replaceExtended(looked, [[byDefault, acl({ groups: [group.id] })]])).toEqual([]);
  for (let round = 0; round < 3; round++) {
    if (round === 2) writeFileSync(join(host.source, "new"), "");
    await host.backup();
    const repository = await openSmall(host.store);
    const [source] = (await readSnapshot(repository, liveRecords(repository)[0]!)).header.sources;
    expect(source!.userNames.get(String(user.id))).toBe(user.name);
    expect(source!.groupNames.get(String(group.id))).toBe(group.name);
  }
  host.remove();
});
