import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { entryTypes } from "#shared/format/entry.ts";
import type { ScriptedEntry } from "#shared/operations/backup/scripted-source.testing.ts";
import { noise } from "#shared/operations/small-store.testing.ts";
import { storeOf } from "#shared/view/view.testing.ts";
import { mountOf, rawRequest, serveSmall, type SmallGateway } from "#gateway/small-gateway.testing.ts";

const big = noise("big", 200_000);
const odd = "line\nend\r\nSet-Cookie: a=b \"<script>alert(1)<!--' \xff\u0080";
const entries: readonly ScriptedEntry[] = [
  { path: "a/one.txt", content: "1" },
  { path: "a/page.html", content: "<script>alert(1)</script>", mtimeSec: 1_700_000_000 },
  { path: `a/${odd}`, content: "odd" },
  { path: "big.bin", content: big },
  { path: "empty", content: "" },
  { path: "a b%2Fc?d#e&f=g+h", content: "hard" },
  { path: "\xc3\xa4.txt", content: "umlaut" },
  { path: "link", type: entryTypes.symlink, target: "a/one.txt" },
  { path: "dirlink", type: entryTypes.symlink, target: "a" },
  { path: "out", type: entryTypes.symlink, target: "/etc/passwd" },
  { path: "pipe", type: entryTypes.fifo },
  { path: "caf\xe9", content: "latin" },
  { path: "back\\slash", content: "back" },
];

let small: SmallGateway;
beforeAll(async () => {
  small = await serveSmall(await mountOf(await storeOf(entries), "snapshot", "/scripted"));
});
afterAll(() => small.gateway.close(0));

const get = (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> =>
  fetch(small.url + path, { headers, method, redirect: "manual" });
const encode = (binary: string): string =>
  Array.from(Buffer.from(binary, "latin1"), (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");

describe("files", () => {
  it("come whole, with exact length, tag and time, by names of any bytes", async () => {
    const response = await get("/big.bin");
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer()).equals(big)).toBe(true);
    expect(response.headers.get("content-length")).toBe("200000");
    expect(response.headers.get("etag")).toMatch(/^"[0-9a-f]{32}"$/);
    expect(response.headers.get("accept-ranges")).toBe("bytes");
    expect(response.headers.get("last-modified")).toBe(new Date(1_000_000_000).toUTCString());
    for (const { path, content, type } of entries) {
      if (type !== undefined) continue;
      const file = await get(`/${path.split("/").map(encode).join("/")}`);
      expect([file.status, Buffer.from(await file.arrayBuffer()).equals(Buffer.from(content!))], path).toEqual([
        200,
        true,
      ]);
    }
  });

  it.each(["/big.bin", "/empty", "/a/", "/a/page.html", "/none", "/link", "/a", "/a/?tar"])(
    "HEAD of %s has the headers of GET, and no body",
    async (path) => {
      const [one, other] = [await get(path), await get(path, {}, "HEAD")];
      expect(other.status).toBe(one.status);
      const headers = (response: Response) =>
        Object.fromEntries(
          [...response.headers].filter(
            ([name]) => !["date", "transfer-encoding", "connection", "keep-alive"].includes(name),
          ),
        );
      expect(headers(other)).toEqual(headers(one));
      expect((await other.arrayBuffer()).byteLength).toBe(0);
      await one.arrayBuffer();
    },
  );

  it("are somebody's data: nothing in them runs, and their type is not guessed", async () => {
    for (const path of ["/a/page.html", "/big.bin", "/empty"]) {
      const { headers } = await get(path);
      expect(headers.get("content-security-policy")).toMatch(/^sandbox; default-src 'none'/);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
    expect((await get("/a/page.html")).headers.get("content-type")).toBe("text/html");
    expect((await get("/big.bin")).headers.get("content-type")).toBe("application/octet-stream");
    const download = await get("/a/page.html?download");
    expect(download.headers.get("content-disposition")).toBe('attachment; filename="page.html"');
  });

  it("cannot put a header into the answer by their names", async () => {
    const response = await get(`/a/${encode(odd)}?download`);
    expect(response.status).toBe(200);
    expect(response.headers.get("set-cookie")).toBeNull();
    expect(response.headers.get("content-disposition")).not.toMatch(/[\r\n]/);
  });
});

describe("ranges", () => {
  it.each([
    ["bytes=0-0", 206, [[0, 1]]],
    ["bytes=0-", 206, [[0, 200_000]]],
    ["bytes=-1", 206, [[199_999, 200_000]]],
    ["bytes=-300000", 206, [[0, 200_000]]],
    ["bytes=199999-", 206, [[199_999, 200_000]]],
    ["bytes=100-999999", 206, [[100, 200_000]]],
    ["Bytes = 5-9", 206, [[5, 10]]],
    ["bytes=200000-", 416, []],
    ["bytes=-0", 416, []],
    ["bytes=200000-,300000-", 416, []],
    ["bytes=9-5", 200, []],
    ["bytes=a-b", 200, []],
    ["bytes=-", 200, []],
    ["bytes=", 200, []],
    ["items=0-5", 200, []],
    ["bytes=0-5,x", 200, []],
    ["bytes=0-199999,0-199999", 200, []],
    [`bytes=${Array.from({ length: 40 }, (_, n) => `${n}-${n}`).join(",")}`, 200, []],
    [
      "bytes=0-0,-1",
      206,
      [
        [0, 1],
        [199_999, 200_000],
      ],
    ],
    [
      "bytes=0-9, 100000-100009,200000-",
      206,
      [
        [0, 10],
        [100_000, 100_010],
      ],
    ],
  ] as const)("%s answers %i", async (range, status, parts) => {
    const response = await get("/big.bin", { Range: range });
    const body = Buffer.from(await response.arrayBuffer());
    expect(response.status).toBe(status);
    expect(Number(response.headers.get("content-length"))).toBe(body.byteLength);
    if (status === 416) {
      expect(response.headers.get("content-range")).toBe("bytes */200000");
      expect(String(body)).toBe("416 No such range: it has 200000 bytes\n");
    } else if (status === 200) expect(body.equals(big)).toBe(true);
    else if (parts.length === 1) {
      const [[start, end]] = parts as readonly [readonly [number, number]];
      expect(response.headers.get("content-range")).toBe(`bytes ${start}-${end - 1}/200000`);
      expect(body.equals(big.subarray(start, end))).toBe(true);
    } else {
      const boundary = /^multipart\/byteranges; boundary=(.+)$/.exec(response.headers.get("content-type") ?? "")?.[1];
      const wanted = parts.map(([start, end]) =>
        Buffer.concat([
          Buffer.from(
            `--${boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ${start}-${end - 1}/200000\r\n\r\n`,
          ),
          big.subarray(start, end),
          Buffer.from("\r\n"),
        ]),
      );
      expect(body.equals(Buffer.concat([...wanted, Buffer.from(`--${boundary}--\r\n`)]))).toBe(true);
    }
  });

  it.each(["bytes=0-", "bytes=-5", "bytes=0-0,5-6"])("of an empty file are not looked at: %s", async (range) => {
    const response = await get("/empty", { Range: range });
    expect([response.status, response.headers.get("content-length")]).toEqual([200, "0"]);
  });

  it("hold only for what If-Range names", async () => {
    const { headers } = await get("/big.bin", {}, "HEAD");
    const [etag, time] = [headers.get("etag")!, headers.get("last-modified")!];
    const status = async (ifRange: string): Promise<number> =>
      (await get("/big.bin", { Range: "bytes=0-0", "If-Range": ifRange })).status;
    expect(await status(etag)).toBe(206);
    expect(await status(time)).toBe(206);
    expect(await status(`W/${etag}`)).toBe(200);
    expect(await status('"other"')).toBe(200);
    expect(await status(new Date(0).toUTCString())).toBe(200);
    expect(await status("rubbish")).toBe(200);
  });
});

describe("conditions", () => {
  it.each([
    ["If-None-Match", "TAG", 304],
    ["If-None-Match", "W/TAG", 304],
    ["If-None-Match", '"x", TAG', 304],
    ["If-None-Match", "*", 304],
    ["If-None-Match", '"x"', 200],
    ["If-Match", "TAG", 200],
    ["If-Match", "*", 200],
    ["If-Match", "W/TAG", 412],
    ["If-Match", '"x"', 412],
    ["If-Modified-Since", "TIME", 304],
    ["If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT", 200],
    ["If-Modified-Since", "rubbish", 200],
    ["If-Unmodified-Since", "TIME", 200],
    ["If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT", 412],
  ])("%s: %s answers %i", async (name, value, status) => {
    const { headers } = await get("/big.bin", {}, "HEAD");
    const given = value.replace("TAG", headers.get("etag")!).replace("TIME", headers.get("last-modified")!);
    for (const method of ["GET", "HEAD"]) {
      const response = await get("/big.bin", { [name]: given }, method);
      expect(response.status).toBe(status);
      expect(response.headers.get("etag")).toBe(headers.get("etag"));
      const text = await response.text();
      if (status === 412) expect(text).toBe(method === "GET" ? "412 It is another one now\n" : "");
    }
  });
});

describe("directories", () => {
  it("are pages with a relative link for everything, and no name in them is code", async () => {
    const page = await (await get("/a/")).text();
    expect(page).not.toContain("<script>alert");
    expect(page).toContain("one.txt");
    const links = Array.from(page.matchAll(/<td><a href="([^"]+)"/g), ([, href]) => href!);
    expect(links).toHaveLength(3);
    for (const href of links) expect((await get(`/a/${href}`)).status).toBe(200);
  });

  it("are redirected to with their slash, never to another host", async () => {
    const response = await get("/a?x=1");
    expect([response.status, response.headers.get("location")]).toEqual([302, "a/?x=1"]);
    for (const path of ["//example.org/", "/%2f%2fexample.org", "/\\example.org/"]) {
      const { status, headers } = await get(path).catch(() => new Response(null, { status: 404 }));
      expect([status, headers.get("location")]).toEqual([404, null]);
    }
  });

  it("come sorted by name, size and time, and in pages", async () => {
    const names = async (query: string): Promise<string[]> => {
      const page = await (await get(`/a/${query}`)).text();
      return Array.from(page.matchAll(/<td><a href="([^"]+)"/g), ([, href]) => href!.slice(0, 6));
    };
    expect(await names("")).toEqual(["line%0", "one.tx", "page.h"]);
    expect(await names("?order=desc")).toEqual(["page.h", "one.tx", "line%0"]);
    expect(await names("?sort=size")).toEqual(["one.tx", "line%0", "page.h"]);
    expect(await names("?sort=time&order=desc")).toEqual(["page.h", "line%0", "one.tx"]);
    expect(await names("?limit=1")).toEqual(["line%0"]);
    const next = /rel="next" href="([^"]+)"/
      .exec(await (await get("/a/?limit=1")).text())?.[1]
      ?.replaceAll("&amp;", "&");
    expect(await names(next!)).toEqual(["one.tx"]);
    expect(await names("?limit=2&after=one.txt")).toEqual(["page.h"]);
    expect(await names("?sort=what&limit=-3&order=x&after=%zz")).toEqual(["line%0", "one.tx", "page.h"]);
  });
});

describe("pages for programs that follow links", () => {
  const many = Array.from({ length: 2503 }, (_, index) => ({ path: `many/f${index}`, content: "" }));
  let other: SmallGateway;
  beforeAll(async () => {
    const links = Object.entries({
      todir: "dir",
      self: ".",
      up: "..",
      gone: "none",
      round: "../b",
      top: "/",
      file: "dir/in",
    });
    const store = await storeOf([
      ...many,
      { path: "links/dir/in", content: "in" },
      ...links.map(([name, target]) => ({ path: `links/${name}`, type: entryTypes.symlink, target })),
      { path: "b/back", type: entryTypes.symlink, target: "../links" },
      { path: "b/x", content: "x" },
    ]);
    other = await serveSmall(await mountOf(store, "snapshot", "/scripted"));
  });
  afterAll(() => other.gateway.close(0));
  const linksOf = async (path: string): Promise<string[]> => {
    const text = await (await fetch(`${other.url}${path}`)).text();
    return Array.from(text.matchAll(/<td><a href="([^"]+)"/g), ([, href]) => href!);
  };

  it("name every entry, however many there are", async () => {
    expect(await linksOf("/many/")).toHaveLength(2503);
    expect(await linksOf("/many/?sort=time&order=desc")).toHaveLength(2503);
  });

  it("link a link to a directory with a slash, and one that leads up, nowhere or in a circle not at all", async () => {
    expect(await linksOf("/links/")).toEqual(["dir/", "file", "round/", "todir/"]);
    // Under the path that was asked for, and no way back to where it came from.
    expect(await linksOf("/links/round/")).toEqual(["x"]);
    expect(await linksOf("/links/todir/")).toEqual(["in"]);
    expect(await linksOf("/b/")).toEqual(["back/", "x"]);
  });

  it("end for a program that follows every link below where it began", async () => {
    const seen = new Set<string>();
    const left = ["/links/", "/b/"];
    for (let path = left.pop(); path !== undefined; path = left.pop()) {
      if (seen.has(path)) continue;
      seen.add(path);
      expect(seen.size).toBeLessThan(100);
      for (const href of await linksOf(path)) if (href.endsWith("/")) left.push(path + href);
    }
    expect(seen).toContain("/b/back/todir/");
  });

  it("have no link to an archive or to another order, and tell robots so", async () => {
    const response = await fetch(`${other.url}/links/`);
    expect(response.headers.get("x-robots-tag")).toContain("nofollow");
    const text = await response.text();
    expect(
      Array.from(text.matchAll(/href="([^"]*)"/g), ([, href]) => href).filter((href) => /[?#]/.test(href!)),
    ).toEqual([]);
    expect(text).toMatch(/<button name="tar">/);
    expect((await fetch(`${other.url}/links/?zip=`)).headers.get("content-type")).toBe("application/zip");
  });
});

describe("links", () => {
  it("lead on inside what is mounted, and nowhere else", async () => {
    for (const path of ["/link", "/dirlink/one.txt"]) expect(await (await get(path)).text()).toBe("1");
    expect((await get("/dirlink")).headers.get("location")).toBe("dirlink/");
    expect(await (await get("/dirlink/")).text()).toContain('<a href="one.txt">');
    expect((await get("/out")).status).toBe(404);
    expect((await get("/pipe")).status).toBe(404);
  });
});

describe("paths as programs write them", () => {
  it.each([
    ["//a/one.txt", 200],
    ["/a//one.txt", 200],
    ["/a/one.txt//", 404],
    ["/a///", 200],
    ["/caf%e9", 200],
    ["/back\\slash", 200],
    ["/back%5Cslash", 200],
  ])("%j answers %i", async (path, status) => {
    const answer = await rawRequest(small.url, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(Number(answer.split(" ")[1])).toBe(status);
  });
});

describe("hostile requests", () => {
  it.each([
    "/../etc/passwd",
    "/..%2f..%2fetc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/a/../../../../etc/passwd",
    "/a%2fone.txt",
    "/a%5cone.txt",
    "/a/%00",
    "/a/one.txt%00.html",
    "/a/%c0%ae%c0%ae/one.txt",
    "/a/..;/one.txt",
    "/%",
    "/%zz",
    "/a//none.txt",
    "/./%2e/",
    "/.",
    "/a/one.txt/",
  ])("%s finds nothing that is not there", async (path) => {
    const answer = await rawRequest(small.url, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    const status = Number(answer.split(" ")[1]);
    // A URL with dots in it is the same as one without, by the rules of URLs.
    if (/^\/(?:\.|\.\/%2e\/)$/.test(path)) expect(status).toBe(200);
    else expect([400, 404]).toContain(status);
    expect(answer).not.toContain("root:");
  });

  it.each(["PUT", "POST", "DELETE", "PATCH", "MKCOL", "PROPPATCH"])("%s is refused", async (method) => {
    const response = await get("/a/one.txt", {}, method);
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD, OPTIONS"]);
  });

  it("of another host's name are refused, so that no other site reads what this machine serves to itself", async () => {
    for (const host of [
      "evil.example",
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "[::2]",
      "10.0.0.1",
      "",
      "a b",
    ]) {
      const answer = await rawRequest(
        small.url,
        `GET /a/one.txt HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      );
      expect(["421", "400"], host).toContain(answer.split(" ")[1]);
    }
    for (const host of ["localhost", "LOCALHOST:80", "127.0.0.1:9", "[::1]:80"]) {
      const answer = await rawRequest(
        small.url,
        `GET /a/one.txt HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      );
      expect(answer.split(" ")[1], host).toBe("200");
    }
  });

  it("that are no HTTP break nothing", async () => {
    for (const text of [
      "\0\0\0\r\n\r\n",
      "GET\r\n\r\n",
      "TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
      "GET http://[ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ])
      expect(await rawRequest(small.url, text)).toMatch(/^HTTP\/1\.1 4/);
    expect((await get("/a/one.txt")).status).toBe(200);
  });

  it("leave a line each in the access log, without the query", async () => {
    small.records.length = 0;
    await (await get("/big.bin?secret=1", { Range: "bytes=0-99" })).arrayBuffer();
    await (await get("/none")).arrayBuffer();
    expect(small.records.map(({ method, path, status, sentBytes }) => [method, path, status, sentBytes])).toEqual([
      ["GET", "/big.bin", 206, 100],
      ["GET", "/none", 404, expect.any(Number)],
    ]);
    expect(small.faults).toEqual([]);
  });
});
