import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { entryTypes } from "#shared/format/entry.ts";
import type { ScriptedEntry } from "#shared/operations/backup/scripted-source.testing.ts";
import { noise } from "#shared/operations/small-store.testing.ts";
import { storeOf } from "#shared/view/view.testing.ts";
import { mountOf, rawRequest, serveSmall, type SmallGateway } from "#gateway/small-gateway.testing.ts";
import { parseXml } from "./parse-xml.ts";

const big = noise("big", 100_000);
const odd = 'new\nline & <b> "q" %41 \xff';
const entries: readonly ScriptedEntry[] = [
  { path: "a/one.txt", content: "one" },
  { path: `a/${odd}`, content: "odd" },
  { path: "a/up", type: entryTypes.symlink, target: ".." },
  { path: "a/void", type: entryTypes.symlink, target: "nothing" },
  { path: "a/away", type: entryTypes.symlink, target: "/etc/passwd" },
  { path: "a/pipe", type: entryTypes.fifo },
  { path: "big.bin", content: big, mtimeSec: 1_700_000_000 },
  { path: "link", type: entryTypes.symlink, target: "a/one.txt" },
  { path: "dirlink", type: entryTypes.symlink, target: "a" },
  { path: "\xc3\xa4 b", content: "" },
  ...Array.from({ length: 3000 }, (_, index) => ({ path: `many/file ${index}`, content: "" })),
];

let small: SmallGateway;
beforeAll(async () => {
  small = await serveSmall(await mountOf(await storeOf(entries), "snapshot", "/scripted"), {
    listeners: [{ host: "127.0.0.1", port: 0, protocols: ["http", "webdav"] }],
  });
});
afterAll(() => small.gateway.close(0));

const url = (path: string): string => `${small.url}/dav${path}`;
const ask = (method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Response> =>
  fetch(url(path), { method, headers, redirect: "manual", ...(body === undefined ? {} : { body }) });
const find = async (path: string, depth: string, body?: string): Promise<string> => {
  const response = await ask("PROPFIND", path, { Depth: depth }, body);
  expect(response.status).toBe(207);
  const text = await response.text();
  parseXmlWhole(text);
  return text;
};
const hrefs = (text: string): string[] => [...text.matchAll(/<D:href>([^<]*)<\/D:href>/g)].map((found) => found[1]!);
const prop = (names: string): string => `<D:propfind xmlns:D="DAV:"><D:prop>${names}</D:prop></D:propfind>`;

/** Responses have more elements than requests may have: each is read for itself. */
function parseXmlWhole(text: string): void {
  const open = /^<\?xml[^>]*>\s*<D:multistatus [^>]*>/.exec(text)![0];
  for (const [response] of text.matchAll(/<D:response>[^]*?<\/D:response>/g))
    parseXml(`${open}${response}</D:multistatus>`);
}

describe("PROPFIND", () => {
  it("tells of a directory and of what is in it, links to files as files, and nothing that leads in circles or away", async () => {
    expect(hrefs(await find("/", "1"))).toEqual([
      "/dav/",
      "/dav/a/",
      "/dav/big.bin",
      "/dav/link",
      "/dav/many/",
      "/dav/%C3%A4%20b",
    ]);
    const encoded = "new%0Aline%20%26%20%3Cb%3E%20%22q%22%20%2541%20%FF";
    for (const path of ["/a", "/a/"]) {
      expect(hrefs(await find(path, "1"))).toEqual(["/dav/a/", `/dav/a/${encoded}`, "/dav/a/one.txt"]);
    }
    expect(await (await ask("GET", `/a/${encoded}`)).text()).toBe("odd");
    expect(hrefs(await find("/dirlink/", "1"))).toEqual([
      "/dav/dirlink/",
      `/dav/dirlink/${encoded}`,
      "/dav/dirlink/one.txt",
    ]);
    expect(hrefs(await find("/dirlink/up/link", "0"))).toEqual(["/dav/dirlink/up/link"]);
  });

  it("tells what GET tells", async () => {
    const text = await find("/big.bin", "0");
    const { headers } = await ask("HEAD", "/big.bin");
    const value = (name: string): string | undefined =>
      new RegExp(`<D:${name}>([^<]*)<`).exec(text)?.[1]?.replaceAll("&quot;", '"');
    expect(value("getcontentlength")).toBe("100000");
    expect(value("getetag")).toBe(headers.get("etag"));
    expect(value("getlastmodified")).toBe(headers.get("last-modified"));
    expect(value("getcontenttype")).toBe(headers.get("content-type"));
    expect(text).toContain("<D:resourcetype/>");
    expect(await find("/", "0")).toContain("<D:resourcetype><D:collection/></D:resourcetype>");
  });

  it("gives the properties that are named, tells which are not there, and names all when asked", async () => {
    const names =
      '<D:getetag/><D:getcontentlength/><A:executable xmlns:A="http://apache.org/dav/props/"/><x:y xmlns:x="u&amp;&lt;"/><z/>';
    const text = await find("/a", "0", prop(names));
    expect(text).toContain(
      '<D:propstat><D:prop><D:getetag/><D:getcontentlength/><A:executable/><X:y xmlns:X="u&amp;&lt;"/><z/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>',
    );
    expect(text).not.toContain("200 OK");
    expect(await find("/link", "0", prop(names))).toMatch(
      /<D:getcontentlength>3<\/D:getcontentlength><A:executable>F<\/A:executable><\/D:prop><D:status>HTTP\/1.1 200 OK/,
    );
    expect(await find("/link", "0", '<propfind xmlns="DAV:"><propname/></propfind>')).toContain(
      "<D:getcontentlength/>",
    );
    expect(await find("/link", "0", prop(""))).toContain("<D:prop></D:prop><D:status>HTTP/1.1 200 OK");
  });

  it("streams a large directory whole", async () => {
    expect(new Set(hrefs(await find("/many/", "1", prop("<D:getetag/>")))).size).toBe(3001);
  });

  it("refuses an infinite depth of directories", async () => {
    for (const headers of [{ Depth: "infinity" }, {}] as Record<string, string>[]) {
      const response = await ask("PROPFIND", "/", headers);
      expect([response.status, await response.text()]).toEqual([
        403,
        expect.stringContaining("<D:propfind-finite-depth/>"),
      ]);
    }
    expect((await ask("PROPFIND", "/link", {})).status).toBe(207);
    expect((await ask("PROPFIND", "/link", { Depth: "2" })).status).toBe(400);
  });

  it.each([
    "/none",
    "/big.bin/",
    "/a/void",
    "/a/away",
    "/a/pipe",
    "/.DS_Store",
    "/a/._one.txt",
    "/a%2fone.txt",
    "/a//none.txt",
    "/%zz",
  ])("of %s finds nothing", async (path) => {
    expect((await ask("PROPFIND", path, { Depth: "0" })).status).toBe(404);
  });

  it("survives what is no request", async () => {
    const bomb =
      '<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><propfind xmlns="DAV:"><prop>&b;</prop></propfind>';
    for (const body of [
      "<",
      bomb,
      "<propfind/>",
      '<propfind xmlns="DAV:"/>',
      "\u0000",
      prop("<D:a/>".repeat(20_000)),
    ]) {
      expect((await ask("PROPFIND", "/", { Depth: "0" }, body)).status).toBe(400);
    }
    expect((await ask("PROPFIND", "/", { Depth: "0", "Content-Encoding": "gzip" }, "x")).status).toBe(400);
    const endless =
      "PROPFIND /dav/ HTTP/1.1\r\nHost: localhost\r\nDepth: 0\r\nConnection: close\r\nContent-Length: 1000000000\r\n\r\n";
    const slow = rawRequest(small.url, endless + " ".repeat(200_000));
    expect((await ask("PROPFIND", "/", { Depth: "0" })).status).toBe(207);
    expect(await slow).toMatch(/^HTTP\/1\.1 400 /);
    expect(small.faults).toEqual([]);
  });
});

describe("the rest", () => {
  it("OPTIONS tells of class 1, of Windows's header, and of no method that writes", async () => {
    const { status, headers } = await ask("OPTIONS", "/whatever");
    expect([status, headers.get("dav"), headers.get("ms-author-via")]).toEqual([200, "1", "DAV"]);
    expect(headers.get("allow")).toBe("OPTIONS, GET, HEAD, PROPFIND");
  });

  it("GET has ranges, answers a link with its file, and a directory with a page", async () => {
    const part = await ask("GET", "/big.bin", { Range: "bytes=99990-" });
    expect([part.status, Buffer.from(await part.arrayBuffer()).equals(big.subarray(99_990))]).toEqual([206, true]);
    expect(await (await ask("GET", "/link")).text()).toBe("one");
    expect((await ask("GET", "/a")).headers.get("location")).toBe("a/");
    expect(await (await ask("GET", "/a/")).text()).toContain("one.txt");
    expect((await ask("GET", "/a/away")).status).toBe(404);
  });

  it.each(["PUT", "DELETE", "MKCOL", "MOVE", "COPY", "LOCK", "UNLOCK", "PROPPATCH", "POST", "PATCH"])(
    "%s is refused, whatever is there",
    async (method) => {
      for (const path of ["/link", "/none", "/", "/a%00"]) {
        const response = await ask(method, path, { Destination: url("/other"), Overwrite: "T" }, "<x/>");
        expect([response.status, parseXml(await response.text()).name]).toEqual([403, "error"]);
      }
    },
  );

  it("unknown methods are 405", async () => {
    for (const method of ["REPORT", "SEARCH", "MKCALENDAR", "BIND"]) {
      const response = await ask(method, "/");
      expect([response.status, response.headers.get("allow")]).toEqual([405, "OPTIONS, GET, HEAD, PROPFIND"]);
    }
  });
});
