import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readAccessConfig } from "#gateway/access/access-config.ts";
import { configuredAccess } from "#gateway/access/configured-access.ts";
import { mountOf, rawRequest, serveSmall, type SmallGateway } from "#gateway/small-gateway.testing.ts";
import type { ServeOptions } from "#gateway/node.ts";
import type { Store } from "#shared/store/store.ts";
import { storeOf } from "#shared/view/view.testing.ts";

const secret = "the content that nobody may see";
const open = "hello";
const everything: ServeOptions["listeners"] = [
  { host: "127.0.0.1", port: 0, protocols: ["http", "webdav", "s3", "ui"] },
];

let store: Store;
let small: SmallGateway;
let origin: string;

beforeAll(async () => {
  store = await storeOf([
    { path: "public/open.txt", content: open },
    { path: "secret.txt", content: secret },
  ]);
  small = await serveSmall(await mountOf(store, "snapshot", "/scripted/public"), { listeners: everything });
  origin = new URL(small.url).origin;
});

afterAll(async () => {
  await isAlive();
  expect(small.faults).toEqual([]);
  await small.gateway.close(0);
});

/** The gateway still serves what it should. */
async function isAlive(): Promise<void> {
  const answer = await fetch(`${origin}/open.txt`);
  expect([answer.status, await answer.text()]).toEqual([200, open]);
}

const get = (target: string, more = ""): string =>
  `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${more}Connection: close\r\n\r\n`;

/** The statuses of all responses in what a connection gave. */
const statuses = (answer: string): number[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));

describe("paths that would lead out of what is served", () => {
  const dots = [
    "..",
    "%2e%2e",
    "%2E.",
    ".%2e",
    "%252e%252e",
    "%c0%ae%c0%ae",
    "%e0%80%ae%e0%80%ae",
    "%u002e%u002e",
    "..%00",
  ];
  const slashes = ["/", "%2f", "%2F", "%5c", "\\", "%252f", "%c0%af", "//", "/./", ";/"];
  const prefixes = ["/", "/dav/", "/s3/", "/s3/latest/", "/s3/snapshot/", "/ui/", "/ui/api/", "/ui/files/"];
  const targets = prefixes.flatMap((prefix) =>
    dots.flatMap((dot) =>
      slashes.flatMap((slash) => [
        `${prefix}${dot}${slash}secret.txt`,
        `${prefix}open.txt${slash}${dot}${slash}${dot}${slash}secret.txt`,
        `${prefix}${dot}${slash}${dot}${slash}scripted${slash}secret.txt`,
      ]),
    ),
  );

  it("give nothing of it, in no encoding and under no protocol", async () => {
    const answers: string[] = [];
    for (let at = 0; at < targets.length; at += 64) {
      const asked = targets.slice(at, at + 64);
      answers.push(...(await Promise.all(asked.map((target) => rawRequest(origin, get(target))))));
    }
    for (const [index, answer] of answers.entries()) {
      expect(answer, targets[index]).not.toContain(secret);
      for (const status of statuses(answer)) expect(status, targets[index]).toBeLessThan(500);
    }
    expect(answers).toHaveLength(targets.length);
    await isAlive();
  });

  it("give nothing of it as absolute targets, with other methods, and in headers that name paths", async () => {
    for (const request of [
      get("http://localhost/../secret.txt"),
      get("http://localhost/%2e%2e/secret.txt"),
      get("file:///scripted/secret.txt"),
      get("/open.txt", "X-Original-URL: /../secret.txt\r\nX-Rewrite-URL: /../secret.txt\r\n"),
      get("/open.txt", "X-Forwarded-Prefix: /..\r\n"),
      get("/dav/open.txt")
        .replace("GET", "COPY")
        .replace("Connection", "Destination: /dav/../secret.txt\r\nConnection"),
      get("/dav/..").replace("GET", "PROPFIND").replace("Connection", "Depth: 1\r\nConnection"),
      get("/s3/?prefix=../&delimiter=/"),
      get("/ui/api/v1/entries?path=/../secret.txt"),
    ]) {
      const answer = await rawRequest(origin, request);
      expect(answer, request).not.toContain(secret);
      expect(answer, request).not.toContain("secret.txt</");
      for (const status of statuses(answer)) expect(status, request).toBeLessThan(500);
    }
  });
});

describe("requests that are no good HTTP", () => {
  it("are refused when they are too long, and the gateway goes on", async () => {
    for (const request of [
      get(`/${"a".repeat(100_000)}`),
      get(`/${"%41".repeat(30_000)}`),
      get("/open.txt", `X-Long: ${"b".repeat(100_000)}\r\n`),
      get("/open.txt", "X-Many: 1\r\n".repeat(20_000)),
      get("/open.txt", `Cookie: ${"a=b; ".repeat(20_000)}\r\n`),
    ]) {
      const [status] = statuses(await sendAndEnd(request));
      expect(status ?? 431, request.slice(0, 40)).toSatisfy((value: number) => value >= 400 && value < 500);
    }
    await isAlive();
  });

  it("are never taken for two where a proxy would see one, or the other way round", async () => {
    const smuggled = "GET /open.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (const request of [
      `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${smuggled.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
      `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
      `POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n${smuggled}`,
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rY: b\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost : localhost\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n`,
      `GET / HTTP/1.1\r\n\r\n`,
      `GET /\r\n\r\n`,
      "\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc\u0003\u0003",
    ]) {
      const answer = await sendAndEnd(request);
      expect(answer, request).not.toContain(open);
      expect(
        statuses(answer).filter((status) => status < 400),
        request,
      ).toEqual([]);
    }
    await isAlive();
  });

  it("of random bytes break nothing", async () => {
    const seed = Number(process.env["HOSTILE_SEED"] ?? Date.now() % 1_000_000);
    let state = seed;
    const next = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      return state % below;
    };
    const parts = [
      "GET ",
      "PROPFIND ",
      "/",
      "/dav/",
      "/s3/",
      "%",
      "..",
      "?",
      "#",
      " HTTP/1.1\r\n",
      "Host: localhost\r\n",
    ];
    const more = [
      "Range: bytes=",
      "0-1",
      "-",
      ",",
      'If-Range: "',
      "Depth: ",
      "Authorization: AWS4-HMAC-SHA256 ",
      "\r\n",
    ];
    const words = [...parts, ...more, "\r\n\r\n", "\0", "\u00ff", "9".repeat(30), "<?xml ?>", "&"];
    const request = (): string => {
      const isPlain = next(2) === 0;
      const text = Array.from({ length: 1 + next(30) }, () => words[next(words.length)]).join("");
      return isPlain ? get(`/${text.replaceAll(/[\r\n ]/g, "")}`) : `${text}\r\n\r\nConnection: close\r\n\r\n`;
    };
    for (let round = 0; round < 8; round++) {
      const requests = Array.from({ length: 32 }, request);
      const answers = await Promise.all(requests.map((each) => sendAndEnd(each)));
      for (const [index, answer] of answers.entries()) {
        const where = `seed ${seed}: ${JSON.stringify(requests[index])}`;
        expect(answer, where).not.toContain(secret);
        for (const status of statuses(answer)) expect(status === 501 || status < 500, where).toBe(true);
      }
    }
    await isAlive();
  });
});

describe("a crowd", () => {
  it("of requests in one packet is answered in order", async () => {
    const count = 200;
    const request = Array.from({ length: count }, (_, index) =>
      index === count - 1
        ? get("/open.txt")
        : `GET /open.txt HTTP/1.1\r\nHost: localhost\r\nRange: bytes=${index % 5}-\r\n\r\n`,
    ).join("");
    const answer = await rawRequest(origin, request);
    const expected = Array.from({ length: count }, (_, index) => (index === count - 1 ? open : open.slice(index % 5)));
    const bodies = answer
      .split(/HTTP\/1\.1 20[06] /)
      .slice(1)
      .map((each) => each.slice(each.indexOf("\r\n\r\n") + 4));
    expect(bodies).toEqual(expected);
  });

  it("of idle connections leaves room for others up to the limit, and takes no more beyond it", async () => {
    const crowded = await serveSmall(await mountOf(store), { connections: 300 });
    const sockets = await Promise.all(Array.from({ length: 290 }, () => openSocket(crowded.url)));
    expect((await fetch(`${crowded.url}/scripted/secret.txt`)).status).toBe(200);
    const beyond = await Promise.all(Array.from({ length: 60 }, () => openSocket(crowded.url)));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(beyond.filter((socket) => socket.closed || socket.readableEnded || socket.destroyed).length).toBeGreaterThan(
      40,
    );
    for (const socket of [...sockets, ...beyond]) socket.destroy();
    await crowded.gateway.close(0);
  });
});

describe("who they say they are", () => {
  it("is believed with the right secret only, whatever the header looks like", async () => {
    const rules = {
      users: [{ name: "ann", password: "a right password" }],
      tokens: [{ name: "job", token: "t".repeat(32) }],
    };
    const guarded = await serveSmall(await mountOf(store), {
      access: configuredAccess(readAccessConfig(JSON.stringify(rules), "a test")),
      listeners: everything,
    });
    const place = new URL(guarded.url).origin;
    const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;
    const wrong = [
      basic("ann:"),
      basic("ann:A right password"),
      basic("ann:a right password\0"),
      basic("ann\0:a right password"),
      basic("ANN:a right password"),
      basic(":a right password"),
      "Basic",
      "Basic ====",
      `Basic ${"A".repeat(7000)}`,
      `Bearer ${"t".repeat(31)}`,
      `Bearer ${"t".repeat(33)}`,
      "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.",
      "Negotiate abc",
      `AWS4-HMAC-SHA256 Credential=ann/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=${"0".repeat(64)}`,
    ];
    for (const path of ["/scripted/secret.txt", "/dav/scripted/secret.txt", "/s3/latest/scripted/secret.txt"]) {
      for (const header of wrong.slice(path.startsWith("/s3") ? -1 : 0)) {
        const answer = await rawRequest(place, get(path, `Authorization: ${header}\r\n`));
        expect(answer, header).not.toContain(secret);
        expect(statuses(answer)[0], header).toSatisfy((status: number) => [400, 401, 403, 429].includes(status));
      }
    }
    const other = await serveSmall(await mountOf(store), {
      access: configuredAccess(readAccessConfig(JSON.stringify(rules), "a test")),
    });
    const right = await rawRequest(
      other.url,
      get("/scripted/secret.txt", `Authorization: Bearer ${"t".repeat(32)}\r\n`),
    );
    expect(right).toContain(secret);
    await other.gateway.close(0);
    await guarded.gateway.close(0);
  });
});

async function openSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  socket.resume();
  await once(socket, "connect");
  return socket;
}

/** Sends bytes, ends the sending half, and gives back all that comes. */
async function sendAndEnd(request: string): Promise<string> {
  const { hostname, port } = new URL(origin);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  socket.on("error", () => undefined);
  const ended = new Promise((resolve) => socket.once("end", resolve).once("close", resolve));
  socket.end(Buffer.from(request, "latin1"));
  await ended;
  socket.destroy();
  return Buffer.concat(parts).toString("latin1");
}
