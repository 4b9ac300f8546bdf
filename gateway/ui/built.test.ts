import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { requirePage, uiFile, uiSecurityPolicy } from "./ui-files.ts";

const built = fileURLToPath(new URL("./built", import.meta.url));

it("what is served is what the sources of the page say: `npm run build:ui` was run", async () => {
  const fresh = await mkdtemp(join(tmpdir(), "holdfast-page-"));
  try {
    // In a process of its own: how Vite builds depends on the environment.
    const { NODE_ENV: _, ...env } = process.env;
    await promisify(execFile)(process.execPath, [fileURLToPath(new URL("./build.ts", import.meta.url)), fresh], {
      env,
    });
    expect((await readdir(fresh)).sort()).toEqual((await readdir(built)).sort());
    for (const name of await readdir(fresh)) {
      const isSame = (await readFile(join(fresh, name))).equals(await readFile(join(built, name)));
      expect([name, isSame]).toEqual([name, true]);
    }
  } finally {
    await rm(fresh, { recursive: true });
  }
});

it("that the page is not built is known before anything is served", async () => {
  await requirePage();
  const empty = await mkdtemp(join(tmpdir(), "holdfast-page-"));
  try {
    await expect(requirePage(pathToFileURL(`${empty}/`))).rejects.toMatchObject({ kind: "absent" });
  } finally {
    await rm(empty, { recursive: true });
  }
});

it("the page has nothing inline, and every file of it is served under the policy", async () => {
  const html = await readFile(join(built, "index.html"), "utf8");
  expect(html).not.toMatch(/<style|\son\w+=|<script(?![^>]*\ssrc=)/);
  expect(html).not.toMatch(/https?:/);
  for (const name of await readdir(built)) {
    const response = await uiFile(name, "GET");
    expect(response?.headers.get("content-security-policy")).toBe(uiSecurityPolicy);
    expect(response?.headers.get("x-content-type-options")).toBe("nosniff");
    expect(Buffer.from(await response!.arrayBuffer()).equals(await readFile(join(built, name)))).toBe(true);
  }
  expect(uiSecurityPolicy).not.toMatch(/unsafe|https?:|\*|data:/);
  for (const name of ["none", "../ui-files.ts", "__proto__", "toString"])
    expect(await uiFile(name, "GET")).toBeUndefined();
});
