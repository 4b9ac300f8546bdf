import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { proxyAgentVariables } from "./proxy-variables.ts";
import { openS3Store } from "./s3-store.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listening(
  handle: (request: IncomingMessage, answer: ServerResponse) => void,
): Promise<{ server: Server; port: number }> {
  const server = createServer(handle);
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return { server, port: typeof address === "object" && address !== null ? address.port : 0 };
}

const credentials = { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "s" };
const serve = (_request: IncomingMessage, answer: ServerResponse) =>
  void answer.writeHead(200, { "content-length": 1 }).end("x");

describe("proxies that the environment names", () => {
  it("are asked for a server that this machine cannot resolve", async () => {
    const asked: string[] = [];
    const { port } = await listening((request, answer) => {
      asked.push(request.url ?? "");
      serve(request, answer);
    });
    for (const name of ["HTTP_PROXY", "http_proxy"]) {
      for (const proxy of [`http://127.0.0.1:${port}`, `127.0.0.1:${port}`]) {
        const endpoint = "http://s3.example.test";
        const store = await openS3Store({ bucket: "bucket", endpoint, credentials, proxies: { [name]: proxy } });
        expect(Buffer.from(await store.get("x")).toString()).toBe("x");
        await store.close();
      }
    }
    expect(asked).toHaveLength(4);
    expect(asked[0]).toMatch(/^http:\/\/s3\.example\.test\/bucket\/x/);
  });

  it("open a tunnel for https, and are not asked for http", async () => {
    const asked: string[] = [];
    const { server, port } = await listening(serve);
    server.on("connect", (request: IncomingMessage, socket: Socket) => {
      asked.push(request.url ?? "");
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    const proxies = { HTTPS_PROXY: `http://127.0.0.1:${port}` };
    const store = await openS3Store({ bucket: "bucket", endpoint: "https://s3.example.test", credentials, proxies });
    await expect(store.get("x")).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("the proxy"),
    });
    expect(asked).toEqual(["s3.example.test:443"]);
    await store.close();
  });

  it("are passed by for what NO_PROXY names", async () => {
    const { port } = await listening(serve);
    const endpoint = `http://127.0.0.1:${port}`;
    const dead = "http://127.0.0.1:9";
    for (const NO_PROXY of ["127.0.0.1", "other, 127.0.0.0/8", `127.0.0.1:${port}`, "*"]) {
      const store = await openS3Store({
        bucket: "bucket",
        endpoint,
        credentials,
        proxies: { HTTP_PROXY: dead, NO_PROXY },
      });
      expect(Buffer.from(await store.get("x")).toString(), NO_PROXY).toBe("x");
      await store.close();
    }
    const store = await openS3Store({ bucket: "bucket", endpoint, credentials, proxies: { HTTP_PROXY: dead } });
    await expect(store.get("x")).rejects.toMatchObject({ message: expect.stringContaining("127.0.0.1:9") });
    await store.close();
  });

  it("that speak another protocol are refused, and not passed by in silence", async () => {
    await expect(
      openS3Store({ bucket: "bucket", credentials, proxies: { HTTPS_PROXY: "socks5://x" } }),
    ).rejects.toMatchObject({
      kind: "invalid",
    });
  });
});

describe("proxyAgentVariables", () => {
  it("is nothing where no proxy is named", () => {
    expect(proxyAgentVariables({ NO_PROXY: "x", HTTP_PROXY: "" })).toBeUndefined();
  });

  it("takes a name for all names below it, and a network for its addresses", () => {
    const { NO_PROXY } = proxyAgentVariables({
      HTTP_PROXY: "http://p",
      NO_PROXY: "a.example,.b.example 10.1.0.0/16, 192.0.2.7",
    })!;
    expect(NO_PROXY).toBe("a.example,.a.example,b.example,.b.example,10.1.0.0-10.1.255.255,192.0.2.7");
  });
});
