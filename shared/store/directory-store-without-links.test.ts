import type * as FileSystem from "node:fs/promises";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { directoryStore } from "./directory-store.ts";

/** What link(2) answers in place of doing its work. */
const answer = vi.hoisted(() => ({ code: "" }));

vi.mock("node:fs/promises", async (original) => ({
  ...(await original<typeof FileSystem>()),
  link: async () => {
    throw Object.assign(new Error(answer.code), { code: answer.code });
  },
}));

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "holdfast-no-links-"));
});
afterEach(() => rm(root, { recursive: true }));

it.each([
  ["ENOTSUP", "incompatible"], // macOS on exFAT
  ["EOPNOTSUPP", "incompatible"],
  ["ENOSYS", "incompatible"], // FUSE without link
  ["EPERM", "incompatible"], // Linux on exFAT and vfat
  ["EACCES", "denied"],
  ["ENOSPC", "unavailable"],
])("directoryStore, where link(2) answers %s, is %s and creates nothing", async (code, kind) => {
  answer.code = code;
  const store = directoryStore(root);
  await expect(store.put("packs/x", [Uint8Array.of(1)])).rejects.toMatchObject({ kind });
  await expect(store.get("packs/x")).rejects.toMatchObject({ kind: "absent" });
  expect(await readdir(join(root, "tmp"))).toEqual([]);
});

it("directoryStore gives up its reserve for what may use it, one file at a time, and for nothing else", async () => {
  answer.code = "ENOSPC";
  const reserve = join(root, "reserve~");
  await mkdir(reserve);
  for (const name of ["a", "b", "c"]) await writeFile(join(reserve, name), name);
  const store = directoryStore(root, { hasReserve: true });
  await expect(store.put("log/1", [Uint8Array.of(1)])).rejects.toMatchObject({
    detail: { code: "ENOSPC", lasting: true },
  });
  expect(await readdir(reserve)).toHaveLength(3);
  await expect(store.put("log/1", [Uint8Array.of(1)], { mayUseReserve: true })).rejects.toMatchObject({
    detail: { code: "ENOSPC" },
  });
  expect(await readdir(reserve)).toEqual([]);
});
