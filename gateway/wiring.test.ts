import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { scriptedSource } from "#shared/operations/backup/scripted-source.testing.ts";
import { backupSmall, createSmall } from "#shared/operations/small-store.testing.ts";
import { openStore } from "#shared/store/open-store.ts";
import { functionGateway } from "./wiring.ts";

let directory: string;
const access = JSON.stringify({ tokens: [{ name: "job", token: "t".repeat(32) }] });
const authorization = `Bearer ${"t".repeat(32)}`;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "holdfast-wiring-"));
  const store = await openStore(join(directory, "store"));
  await createSmall(store);
  await backupSmall(store, [scriptedSource({ entries: [{ path: "file", content: "hello" }] })]);
});
afterAll(() => rm(directory, { recursive: true }));

it("a function serves the store that its environment names to those whom it names, and keeps no secret there", async () => {
  const variables: NodeJS.ProcessEnv = {
    HOLDFAST_STORE: join(directory, "store"),
    HOLDFAST_KEY: "a secret",
    HOLDFAST_MOUNT_ACCESS: access,
    HOLDFAST_MOUNT_PROTOCOLS: "http,webdav",
  };
  const app = await functionGateway({}, variables);
  expect(variables).toEqual({ HOLDFAST_STORE: variables["HOLDFAST_STORE"], HOLDFAST_MOUNT_PROTOCOLS: "http,webdav" });
  const ask = (path: string, headers: Record<string, string>, method = "GET") =>
    app.fetch(new Request(`https://function.example${path}`, { method, headers }), { address: "192.0.2.7" });
  expect((await ask("/latest/scripted/file", {})).status).toBe(401);
  const page = await (await ask("/", { authorization })).text();
  const [, name] = /href="(\d[^"/]+)\/"/.exec(page) ?? [];
  expect(await (await ask(`/${name}/scripted/file`, { authorization })).text()).toBe("hello");
  expect((await ask(`/dav/${name}/`, { authorization, depth: "1" }, "PROPFIND")).status).toBe(207);
});

it("secrets may come from files", async () => {
  const file = join(directory, "access.json");
  await writeFile(file, `${access}\n`);
  const app = await functionGateway({}, { HOLDFAST_STORE: join(directory, "store"), HOLDFAST_MOUNT_ACCESS_FILE: file });
  const request = new Request("https://function.example/", { headers: { authorization } });
  expect((await app.fetch(request, {})).status).toBe(200);
});

it("what is missing is said, and nothing is served to just anybody", async () => {
  const store = join(directory, "store");
  await expect(functionGateway({}, {})).rejects.toThrow("HOLDFAST_STORE");
  await expect(functionGateway({}, { HOLDFAST_STORE: store })).rejects.toMatchObject({ kind: "denied" });
  const named = { HOLDFAST_STORE: store, HOLDFAST_MOUNT_ACCESS: access };
  await expect(functionGateway({}, { ...named, HOLDFAST_MOUNT_PROTOCOLS: "ftp" })).rejects.toThrow("ftp");
  const fileless = { HOLDFAST_STORE: store, HOLDFAST_MOUNT_ACCESS_FILE: join(directory, "none") };
  await expect(functionGateway({}, fileless)).rejects.toMatchObject({ kind: "absent" });
});
