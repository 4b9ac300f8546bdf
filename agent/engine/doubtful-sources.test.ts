import { readFileSync, renameSync, statSync, symlinkSync, utimesSync, writeFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { BackupRequest } from "#agent/commands/engine.ts";
import { disableLibc, libc } from "#agent/filesystem/libc.ts";
import { SmallHost } from "./small-host.testing.ts";

// What looks unchanged, and may not be.

const hosts: SmallHost[] = [];
afterEach(() => {
  disableLibc(false);
  for (const host of hosts.splice(0)) host.remove();
});

async function newHost(): Promise<SmallHost> {
  const host = await SmallHost.make();
  hosts.push(host);
  for (let number = 0; number < 40; number++) writeFileSync(join(host.source, `file ${number}`), `content ${number}`);
  return host;
}

/** Backs up with the minute that files have to settle. */
function backup(host: SmallHost, more: Partial<BackupRequest> = {}, settleMs = 60_000) {
  return host.backup(more, { settleMs });
}

async function restored(host: SmallHost, name: string): Promise<string> {
  const { target } = await host.restore();
  return readFileSync(join(target, name), "utf8");
}

describe("files that changed a moment before they were read", () => {
  it("are read again, so that a second change under the same times is found", async () => {
    const host = await newHost();
    expect((await backup(host)).facts["unchanged"]).toBe(0);
    const again = await backup(host);
    expect(again.facts["unchanged"]).toBe(0);
    expect(again.facts["newBytes"]).toBe(0);
  });

  it("are taken as they are once they have settled", async () => {
    const host = await newHost();
    await backup(host, {}, 0);
    expect((await backup(host, {}, 0)).facts["unchanged"]).toBe(41);
  });
});

describe("content that is another one under the same times", () => {
  it("is found by reading a share of the unchanged files, stored and reported", async () => {
    const host = await newHost();
    await backup(host, {}, 0);
    const all = await backup(host, { rereadPercent: 100 }, 0);
    expect(all.facts).toMatchObject({ reread: 40, contentDiffers: 0, newBytes: 0 });
    const some = await backup(host, { rereadPercent: 50 }, 0);
    expect(Number(some.facts["reread"])).toBeGreaterThan(2);
    expect(Number(some.facts["reread"])).toBeLessThan(38);
  });

  it.runIf(process.platform === "linux")("is partial with --strict", async () => {
    const host = await newHost();
    const path = join(host.source, "file 7");
    const { mtimeMs } = statSync(path);
    await backup(host, { ignoreCtime: true }, 0);
    writeFileSync(path, "another");
    writeFileSync(path, "CONTENT 7");
    utimesSync(path, mtimeMs / 1000, mtimeMs / 1000);
    const strict = await backup(host, { rereadPercent: 100, strict: true }, 0);
    // The change time tells: it is read as changed, and is no difference that hides.
    expect(strict.outcome).toBe("ok");
    expect(await restored(host, "file 7")).toBe("CONTENT 7");
  });
});

describe("what was not captured once", () => {
  it("comes with the next backup that can: after one without attributes", async () => {
    const host = await newHost();
    await backup(host, { xattrs: false }, 0);
    const whole = await backup(host, {}, 0);
    expect(whole.facts["unchanged"]).toBe(0);
    expect((await backup(host, {}, 0)).facts["unchanged"]).toBe(41);
    // A backup that reads less takes what it finds.
    expect((await backup(host, { xattrs: false }, 0)).facts["unchanged"]).toBe(41);
  });

  it("comes with the next backup that can: after one without the native library", async () => {
    if (libc() === undefined) return;
    const host = await newHost();
    disableLibc(true);
    await backup(host, {}, 0);
    disableLibc(false);
    expect((await backup(host, {}, 0)).facts["unchanged"]).toBe(0);
  });
});

it("a directory that became a link is not entered while the backup reads", async () => {
  const host = await newHost();
  mkdirSync(join(host.source, "d"));
  mkdirSync(host.path("secret"));
  writeFileSync(join(host.source, "d/file"), "mine");
  writeFileSync(host.path("secret/file"), "theirs");
  await backup(host, {}, 0);
  renameSync(join(host.source, "d"), join(host.source, "e"));
  symlinkSync(host.path("secret"), join(host.source, "d"));
  await backup(host, {}, 0);
  const { target } = await host.restore();
  expect(readFileSync(join(target, "e/file"), "utf8")).toBe("mine");
});
