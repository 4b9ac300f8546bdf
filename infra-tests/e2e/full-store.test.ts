import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { systemRandom } from "#shared/random.ts";
import { Sandbox } from "./sandbox.ts";

const sandbox = new Sandbox();
const image = sandbox.path("image");
const disk = sandbox.path("disk");
const store = join(disk, "store");
const source = sandbox.path("source");
const at = ["at", store];
mkdirSync(disk);
mkdirSync(source);
for (let n = 0; n < 4; n++) writeFileSync(join(source, `file-${n}`), systemRandom(n === 3 ? 1 << 20 : 4 << 20));

function run(program: string, ...args: readonly string[]): string {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  return status === 0 ? "" : (error?.message ?? (stderr.trim() || `${program} ended with ${status}`));
}

/** Mounts an empty ext4 of 40 MiB of which nothing is kept for root. @returns why it cannot, or nothing */
function mountSmallDisk(...options: readonly string[]): string {
  writeFileSync(image, "");
  truncateSync(image, 40 << 20);
  const refused = run("mkfs.ext4", "-q", "-m", "0", ...options, image);
  return refused === "" ? run("mount", "-o", "loop", image, disk) : refused;
}

/** Fills the disk to the last byte, as far as that is for files of other people to do. */
function fillSpace(): void {
  run("dd", "if=/dev/zero", `of=${join(disk, "filler")}`, "bs=4k", "status=none");
  run("dd", "if=/dev/zero", `of=${join(disk, "rest")}`, "bs=1", "status=none");
}

function fillInodes(): void {
  mkdirSync(join(disk, "fillers"));
  try {
    for (let n = 0; ; n++) writeFileSync(join(disk, "fillers", String(n)), "");
  } catch {
    return;
  }
}

const refused = mountSmallDisk();
if (refused === "") run("umount", disk);
else
  process.stderr.write(
    `SKIPPED: stores on full disks are not tested, since no small disk could be mounted: ${refused}\n`,
  );

afterEach(() => run("umount", disk));
afterAll(() => sandbox.remove());

describe.skipIf(refused !== "")("a store on a disk without a free byte", () => {
  test.each([
    ["space", fillSpace, []],
    ["inodes", fillInodes, ["-N", "128"]],
  ] as const)("is emptied by rm and maintenance, and takes backups again: %s", async (_what, fill, options) => {
    expect(mountSmallDisk(...options)).toBe("");
    await sandbox.do([...at, "create"]);
    for (const name of ["file-0", "file-1"]) await sandbox.do([...at, "backup", join(source, name)]);
    fill();

    const full = await sandbox.run([...at, "backup", join(source, "file-2")]);
    expect(full.status).toBe(69);
    expect(full.stderr).toMatch(/the disk is full/);
    expect(full.stderr).toMatch(/hint: .*holdfast rm.*holdfast maintenance/);

    const { events } = await sandbox.events([...at, "ls"]);
    await sandbox.do([...at, "rm", "--apply", ...events.map(({ id }) => String(id))]);
    await sandbox.do([...at, "undelete", String(events[1]!["id"])]);
    // It marks, and may have no room for a checkpoint, which costs nothing but time.
    expect([0, 3]).toContain((await sandbox.run([...at, "maintenance", "--set-grace", "0s", "--force"])).status);
    const swept = await sandbox.events([...at, "maintenance", "--orphan-age", "0s", "--force"]);
    expect([0, 3]).toContain(swept.status);
    expect(Number(swept.events.at(-1)!["freedBytes"])).toBeGreaterThan(4_000_000);

    // Few files went, for few were there: those of others have most of the inodes.
    for (let n = 0; n < 32; n++) rmSync(join(disk, "fillers", String(n)), { force: true });
    await sandbox.do([...at, "backup", join(source, "file-3")]);
    expect(await sandbox.do([...at, "check", "--read"])).toBe("");
    expect((await sandbox.events([...at, "ls"])).events).toHaveLength(2);
  });

  test("has its reserve again when there is room, and a backup does not use it up", async () => {
    expect(mountSmallDisk()).toBe("");
    await sandbox.do([...at, "create"]);
    const whole = reserveFiles();
    expect(whole).not.toEqual([]);
    fillSpace();
    expect((await sandbox.run([...at, "backup", source])).status).toBe(69);
    expect(reserveFiles()).toEqual(whole);
    await sandbox.do([...at, "maintenance", "--set-grace", "8d"]);
    expect(reserveFiles().length).toBeLessThan(whole.length);
    rmSync(join(disk, "filler"));
    await sandbox.do([...at, "backup", join(source, "file-0")]);
    expect(reserveFiles()).toEqual(whole);
  });
});

function reserveFiles(): string[] {
  return readdirSync(join(store, "reserve~")).toSorted();
}
