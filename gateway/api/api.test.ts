import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { scriptedSource } from "#shared/operations/backup/scripted-source.testing.ts";
import { backupSmall, createSmall } from "#shared/operations/small-store.testing.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import type { Store } from "#shared/store/store.ts";
import { readAccessConfig } from "#gateway/access/access-config.ts";
import { configuredAccess } from "#gateway/access/configured-access.ts";
import { mountOf, serveSmall, type SmallGateway } from "#gateway/small-gateway.testing.ts";
import { apiRoutes } from "./api-routes.ts";
import { misfits } from "./fits-schema.testing.ts";
import { lineStream } from "./line-stream.ts";
import { nameMatcher } from "./name-matcher.ts";
import { openapiDocument } from "./openapi-document.ts";

const hostile = "<img src=x onerror=alert(1)>\u{202e}gpj.exe";
const binaryName = "\xff\xfe%41\nx";
const entries = [
  { path: "etc/hosts", content: "one" },
  { path: "etc/link", target: "hosts", type: 3 as const },
  { path: `home/${Buffer.from(hostile).toString("latin1")}`, content: "h" },
  { path: `home/${binaryName}`, content: "b" },
  ...Array.from({ length: 300 }, (_, number) => ({ path: `many/${String(number).padStart(3, "0")}`, content: "x" })),
];
let store: Store;
const running: SmallGateway[] = [];
beforeAll(async () => {
  store = memoryStore();
  await createSmall(store);
  await backupSmall(store, [scriptedSource({ entries })]);
  const problems = [{ path: "/scripted/x\u{1b}[31m", kind: "denied", message: "permission denied" }] as const;
  const changed = entries.map((entry) =>
    entry.path === "etc/hosts" ? { ...entry, content: "two", mtimeSec: 2e6 } : entry,
  );
  await backupSmall(store, [scriptedSource({ entries: [...changed, { path: "etc/new", content: "n" }], problems })]);
});
afterEach(async () => {
  for (const { gateway } of running.splice(0)) await gateway.close(0);
});

const listeners = [{ host: "127.0.0.1", port: 0, protocols: ["ui" as const] }];
async function serve(options: Parameters<typeof serveSmall>[1] = {}, kind: "store" | "snapshot" = "store") {
  const small = await serveSmall(await mountOf(store, kind), { listeners, ...options });
  running.push(small);
  return small;
}

/** Asks, and holds the answer to its schema. */
async function ask(small: SmallGateway, name: string, query = "", headers: Record<string, string> = {}) {
  const response = await fetch(`${small.url}/api/${name}${query === "" ? "" : `?${query}`}`, { headers });
  const text = await response.text();
  const route = apiRoutes.find((each) => each.name === name);
  const lines = text
    .trim()
    .split("\n")
    .map((line): any => JSON.parse(line)); // oxlint-disable-line typescript/no-explicit-any
  if (response.status === 200 && route !== undefined) {
    for (const line of lines) expect(misfits(route.answer.json, line)).toEqual([]);
  }
  return { status: response.status, headers: response.headers, body: lines[0], lines };
}

describe("the API", () => {
  it("lists, filters and sorts snapshots", async () => {
    const small = await serve();
    const { body } = await ask(small, "snapshots");
    expect(body).toMatchObject({ total: 2, all: 2, hosts: [{ value: "small", count: 2 }], tags: [] });
    expect(body.snapshots[0].timeMs).toBeGreaterThanOrEqual(body.snapshots[1].timeMs);
    expect((await ask(small, "snapshots", "q=SMALL%20scripted")).body.total).toBe(2);
    expect((await ask(small, "snapshots", "q=nothing")).body.total).toBe(0);
    expect((await ask(small, "snapshots", "host=other")).body).toMatchObject({ total: 0, all: 2 });
    const least = await ask(small, "snapshots", "sort=errors&order=asc&limit=1");
    expect(least.body.snapshots).toMatchObject([{ errorCount: 0 }]);
    expect((await ask(small, "snapshots", "sort=nonsense")).status).toBe(400);
    expect((await ask(small, "snapshots", "unknown=1")).status).toBe(400);
    expect((await ask(small, "snapshots", "limit=1e9")).status).toBe(400);
  });

  it("tells of entries and windows of directories, whose names are harmless and whose links have the exact bytes", async () => {
    const small = await serve({}, "snapshot");
    const home = (await ask(small, "entries", "path=/scripted/home")).body;
    expect(home.total).toBe(2);
    const names = home.entries.map((entry: { name: string }) => entry.name);
    expect(names).toContain("<img src=x onerror=alert(1)>\\u{202e}gpj.exe");
    expect(names).toContain("\\xff\\xfe%41\\u{a}x");
    for (const { path } of home.entries) {
      const { status, body } = await ask(small, "entry", `path=${path}`);
      expect([status, body.entry.path]).toEqual([200, path]);
      expect((await fetch(`${small.url}/files${path}`)).status).toBe(200);
    }
    const window = (await ask(small, "entries", "path=/scripted/many&offset=295&limit=10&order=desc")).body;
    expect(window.entries.map((entry: { name: string }) => entry.name)).toEqual(["004", "003", "002", "001", "000"]);
    expect(window.total).toBe(300);
    const top = (await ask(small, "entries", "path=/scripted&sort=size")).body;
    expect(top).toMatchObject({ total: 3, isSorted: true, totals: [4, 2, 300] });
    const many = (await ask(small, "entry", "path=/scripted/many")).body;
    expect(many).toMatchObject({
      totals: { entries: 300, bytes: 300 },
      trail: [{ name: "scripted" }, { path: "/scripted/many" }],
    });
    expect((await ask(small, "entry", "path=/scripted/etc/link")).body).toMatchObject({
      entry: { type: "symlink", target: "hosts" },
      leadsTo: "/scripted/etc/hosts",
    });
    for (const path of ["/none", "/scripted/none"])
      expect((await ask(small, "entry", `path=${path}`)).status).toBe(404);
    for (const path of ["x", "", "/a/../b", "/a//b", "/%00", "/%2e%2e/x"]) {
      expect((await ask(small, "entry", `path=${path}`)).status).toBe(400);
    }
  });

  it("searches one snapshot or all, and says when it stopped early", async () => {
    const small = await serve();
    const everywhere = await ask(small, "search", "path=/&q=HOSTS");
    expect(everywhere.lines.filter((line) => "match" in line)).toHaveLength(2);
    expect(everywhere.lines.at(-1)).toMatchObject({ end: { snapshots: 2, isComplete: true } });
    const { body } = await ask(small, "snapshots");
    const [newest, oldest] = body.snapshots;
    const one = await ask(small, "search", `path=${oldest.path}&q=${encodeURIComponent("?osts")}`);
    expect(one.lines).toMatchObject([{ match: { entry: { name: "hosts" } } }, { end: { snapshots: 1 } }]);
    const below = await ask(small, "search", `path=${newest.path}/scripted/etc&q=new&snapshots=all`);
    expect(below.lines).toMatchObject([{ match: { snapshot: { id: newest.id } } }, { end: { snapshots: 2 } }]);
    const cut = await ask(small, "search", "path=/&q=0&limit=3");
    expect(cut.lines).toHaveLength(4);
    expect(cut.lines.at(-1)).toMatchObject({ end: { isComplete: false } });
    expect((await ask(small, "search", "path=/none/x&q=a")).status).toBe(404);
  });

  it("tells the history of a path, and what differs between snapshots", async () => {
    const small = await serve();
    const [newest, oldest] = (await ask(small, "snapshots")).body.snapshots;
    const history = await ask(small, "history", `path=${newest.path}/scripted/etc/new`);
    expect(history.lines).toMatchObject([
      { version: { entry: { name: "new" } } },
      { version: { entry: null } },
      { end: { snapshots: 2, isComplete: true } },
    ]);
    const changes = await ask(small, "compare", `left=${oldest.path}&right=${newest.path}`);
    expect(changes.lines).toMatchObject([
      { between: { left: { id: oldest.id }, right: { id: newest.id } } },
      { change: { path: "scripted/etc/hosts", kind: "changed", parts: ["content", "time"] } },
      { change: { name: "scripted/etc/new", kind: "added", left: null } },
      { end: { changes: 2, isComplete: true } },
    ]);
    const cut = await ask(small, "compare", `left=${oldest.path}&right=${newest.path}&limit=1`);
    expect(cut.lines.at(-1)).toMatchObject({ end: { changes: 1, isComplete: false } });
    expect((await ask(small, "compare", "left=/&right=/")).status).toBe(400);
  });

  it("tells what backups could not read, and how the store grew", async () => {
    const small = await serve();
    const [newest] = (await ask(small, "snapshots")).body.snapshots;
    expect((await ask(small, "errors", `path=${newest.path}`)).body).toMatchObject({
      total: 1,
      errors: [{ path: "/scripted/x\\u{1b}[31m", kind: "denied" }],
    });
    const { points } = (await ask(small, "usage")).body;
    expect(points).toHaveLength(2);
    expect(points[0].addedBytes).toBeGreaterThan(points[1].addedBytes);
    expect((await ask(small, "usage", "limit=1")).body).toMatchObject({
      isComplete: false,
      points: [{ snapshot: { id: newest.id } }],
    });
  });

  it("is data whatever a browser is told, and answers nothing that another site asks", async () => {
    const small = await serve();
    const { headers } = await ask(small, "snapshots");
    expect(headers.get("content-security-policy")).toContain("sandbox");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("cache-control")).toContain("no-store");
    for (const site of ["cross-site", "same-site"]) {
      for (const path of ["/api/snapshots", "/files/", "/ui.js"]) {
        const response = await fetch(small.url + path, { headers: { "Sec-Fetch-Site": site } });
        expect([response.status, await response.text()]).toEqual([403, expect.stringContaining("another site")]);
      }
    }
    expect((await fetch(`${small.url}/api/snapshots`, { method: "POST" })).status).toBe(405);
    expect((await fetch(`${small.url}/api/nothing`)).status).toBe(404);
    const rebound = await fetch(`${small.url}/api/session`, { headers: { "X-Nothing": "1" } });
    expect(rebound.status).toBe(200);
  });

  it("stands beside other protocols on one port", async () => {
    const small = await serve({ listeners: [{ host: "127.0.0.1", port: 0, protocols: ["http", "ui"] }] });
    const place = small.gateway.places.find(({ protocol }) => protocol === "ui")!.url;
    expect(place).toBe(`${small.url}/ui/`);
    expect(await (await fetch(place)).text()).toContain('<div id="app">');
    expect((await fetch(`${small.url}/ui`, { redirect: "manual" })).headers.get("location")).toBe("ui/");
    const { snapshots } = (await (await fetch(`${place}api/snapshots`)).json()) as { snapshots: { path: string }[] };
    const file = await fetch(`${place}files${snapshots[0]!.path}/scripted/etc/hosts`);
    expect(await file.text()).toBe("two");
    expect(file.headers.get("content-security-policy")).toMatch(/^sandbox;/);
    const listing = await (await fetch(`${place}files${snapshots[0]!.path}/scripted/`)).text();
    expect(listing).toContain('<a href="etc/">');
    for (const path of ["/", `${snapshots[0]!.path}/scripted/etc/hosts`]) {
      expect((await fetch(small.url + path)).status).toBe(200);
    }
    for (const path of ["/uix", "/ui/none", "/ui/../ui/x", "/ui/files/none", "/ui/built/ui.js"]) {
      expect((await fetch(small.url + path)).status).toBe(404);
    }
  });

  it("is described by a document that names every route and what it takes", async () => {
    const small = await serve();
    const served = (await ask(small, "openapi.json")).body;
    expect(served).toEqual(JSON.parse(JSON.stringify(openapiDocument())));
    expect(served.openapi).toBe("3.1.0");
    for (const { name, query } of apiRoutes) {
      const { get } = served.paths[`/api/${name}`];
      expect(get.parameters.map((each: { name: string }) => each.name)).toEqual(Object.keys(query));
      expect(get.operationId).toBe(name);
    }
  });
});

describe("logging in", () => {
  const access = configuredAccess(
    readAccessConfig(
      JSON.stringify({
        users: [
          { name: "ada", password: "right" },
          { name: "bob", password: "bob's", allow: { directory: "/scripted/etc" } },
        ],
      }),
      "test",
    ),
  );
  const logIn = (small: SmallGateway, body: string, type = "application/json"): Promise<Response> =>
    fetch(`${small.url}/api/login`, { method: "POST", body, headers: { "Content-Type": type } });

  it("gives a cookie that scripts cannot read, and that opens API and files until logging out", async () => {
    const small = await serve({ access });
    for (const path of ["api/snapshots", "api/usage", "files/"]) {
      const response = await fetch(`${small.url}/${path}`);
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toBeNull();
    }
    expect((await ask(small, "session")).body).toEqual({ state: "out", user: null, mount: null });
    expect((await logIn(small, '{"user":"ada","password":"wrong"}')).status).toBe(401);
    for (const body of [
      "",
      "{}",
      '"x"',
      '{"user":"a:b","password":"x"}',
      `{"user":"${"a".repeat(5000)}","password":""}`,
    ]) {
      expect((await logIn(small, body)).status).toBe(400);
    }
    expect((await logIn(small, '{"user":"ada","password":"right"}', "text/plain")).status).toBe(400);
    const response = await logIn(small, '{"user":"ada","password":"right"}');
    const line = response.headers.get("set-cookie") ?? "";
    expect(line).toMatch(/^holdfast-ui=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
    const cookie = line.split(";")[0]!;
    expect((await ask(small, "session", "", { cookie })).body).toMatchObject({ state: "in", user: "ada" });
    expect((await ask(small, "snapshots", "", { cookie })).body.total).toBe(2);
    expect((await fetch(`${small.url}/files/`, { headers: { cookie } })).status).toBe(200);
    expect(small.records.at(-1)?.principal).toBe("ada");
    await fetch(`${small.url}/api/logout`, { method: "POST", headers: { cookie } });
    expect((await ask(small, "snapshots", "", { cookie })).status).toBe(401);
    expect((await ask(small, "snapshots", "", { cookie: "holdfast-ui=x; holdfast-ui=" })).status).toBe(401);
    expect(JSON.stringify(small.records)).not.toContain("right");
  });

  it("shows to each what they may see, in every question", async () => {
    const small = await serve({ access });
    const authorization = `Basic ${Buffer.from("bob:bob's").toString("base64")}`;
    const bob = { authorization };
    const [newest, oldest] = (await ask(small, "snapshots", "", bob)).body.snapshots;
    expect(
      (await ask(small, "search", "path=/&q=*", bob)).lines
        .filter((line) => "match" in line)
        .map((line) => line.match.entry.name)
        .sort(),
    ).toEqual(["etc", "hosts", "hosts", "link", "new", "scripted"].sort());
    expect((await ask(small, "entry", `path=${newest.path}/scripted/home`, bob)).status).toBe(404);
    expect((await ask(small, "history", `path=${newest.path}/scripted/home`, bob)).status).toBe(404);
    expect((await ask(small, "entry", `path=${newest.path}/scripted`, bob)).body.totals).toBeNull();
    expect((await ask(small, "compare", `left=${oldest.path}&right=${newest.path}`, bob)).status).toBe(403);
    expect((await ask(small, "errors", `path=${newest.path}`, bob)).body.total).toBe(0);
  });

  it("stops who guesses", async () => {
    const small = await serve({ access });
    const answers = await Promise.all(
      Array.from(
        { length: 30 },
        async (_, guess) => (await logIn(small, `{"user":"ada","password":"${guess}"}`)).status,
      ),
    );
    // Twenty at once, three wait for their turn.
    expect(answers.filter((status) => status === 401).length).toBeLessThanOrEqual(24);
    expect(answers.filter((status) => status === 429).length).toBeGreaterThanOrEqual(6);
  }, 30_000);
});

describe("a stream of lines", () => {
  it("waits for who takes it, and stops when nobody does", async () => {
    let made = 0;
    let stopped: unknown;
    const body = await lineStream(
      async (push, signal) => {
        signal.addEventListener("abort", () => (stopped = true));
        for (;;) await push({ line: made++, padding: "x".repeat(1000) });
      },
      () => undefined,
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(made).toBeLessThan(100);
    await body.cancel();
    expect(stopped).toBe(true);
  });

  it("tells a failure by its last line, or throws what failed at once", async () => {
    const failed = (error: unknown): unknown => ({ error: String(error) });
    const body = await lineStream(async (push) => {
      await push({ first: 1 });
      throw new Error("broke");
    }, failed);
    expect(await new Response(body).text()).toBe('{"first":1}\n{"error":"Error: broke"}\n');
    await expect(lineStream(() => Promise.reject(new Error("at once")), failed)).rejects.toThrow("at once");
    expect(await new Response(await lineStream(() => Promise.resolve(), failed)).text()).toBe("");
  });
});

describe("what names match", () => {
  const named = (text: string): string => Buffer.from(text).toString("latin1");
  it.each([
    ["note", "My NOTES.txt", true],
    ["notes.txt", "notes-txt", false],
    ["*.txt", "a.TXT", true],
    ["*.txt", "a.txt.gz", false],
    ["?.c", "ä.c", true],
    ["É", "café", true],
    ["a*b*c", "a1b2b3c", true],
    ["**", "", true],
    ["a?", "a", false],
  ])("%s and %s: %s", (typed, name, isMatch) => expect(nameMatcher(typed)(named(name))).toBe(isMatch));

  it("reads names that are no UTF-8 as Latin-1", () => {
    expect(nameMatcher("ÿ*")("\xff\xfe")).toBe(true);
  });

  it("takes a moment for what would take a naive matcher for ever", () => {
    expect(nameMatcher(`${"*a".repeat(100)}b`)("a".repeat(255))).toBe(false);
  });
});
