import { once } from "node:events";
import { connect } from "node:net";
import { expect, it } from "vitest";
import { noise } from "#shared/operations/small-store.testing.ts";
import type { Store } from "#shared/store/store.ts";
import type { View, ViewEntry } from "#shared/view/view.ts";
import { madeUpDirectory } from "#shared/view/view-entry.ts";
import { storeOf } from "#shared/view/view.testing.ts";
import type { Mount } from "./mount.ts";
import { mountOf, rawRequest, serveSmall } from "./small-gateway.testing.ts";

const big = noise("big", 3_000_000);

it("a file that turns out damaged in the middle breaks the connection: no byte that does not verify leaves", async () => {
  const store = await storeOf([{ path: "big", content: big }]);
  let gets = 0;
  let isDamaging = false;
  const damaging: Store = {
    ...store,
    async get(key, range) {
      const bytes = await store.get(key, range);
      return isDamaging && key.startsWith("packs/") && ++gets > 20 ? bytes.map((byte) => byte ^ 1) : bytes;
    },
  };
  const small = await serveSmall(await mountOf(damaging));
  await (await fetch(`${small.url}/scripted/`)).text();
  isDamaging = true;
  const answer = await rawRequest(
    small.url,
    "GET /scripted/big HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  );
  const body = Buffer.from(answer.slice(answer.indexOf("\r\n\r\n") + 4), "latin1");
  expect(body.byteLength).toBeLessThan(big.byteLength);
  expect(body.equals(big.subarray(0, body.byteLength))).toBe(true);
  expect(small.records.at(-1)).toMatchObject({ status: 200, failure: "corrupt" });
  gets = 100;
  const again = await fetch(`${small.url}/scripted/big`, { headers: { range: "bytes=2999990-" } });
  expect(again.status).toBe(502);
  await again.text();
  await small.gateway.close(0);
});

it("a client that takes nothing is cut off, and what it had asked for is given up", async () => {
  const small = await serveSmall(await mountOf(await storeOf([{ path: "big", content: Buffer.alloc(30_000_000) }])), {
    stallMs: 200,
  });
  const socket = connect(Number(new URL(small.url).port), "127.0.0.1");
  await once(socket, "connect");
  socket.pause();
  socket.write("GET /scripted/big HTTP/1.1\r\nHost: localhost\r\n\r\n");
  while (small.records.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(small.records[0]!.sentBytes).toBeLessThan(30_000_000);
  socket.destroy();
  await small.gateway.close(0);
});

/** A view of one directory of very many entries, which counts how many it was asked for. */
function wideView(entries: number): { view: View; given: () => number } {
  let given = 0;
  const view: View = {
    stat: async (path) => madeUpDirectory(path, 0),
    async *list(_path, { limit = Number.POSITIVE_INFINITY } = {}) {
      for (let index = 0; index < Math.min(entries, limit); index++) {
        given++;
        yield { ...madeUpDirectory(`/entry ${String(index).padStart(7, "0")}`, 0) } satisfies ViewEntry;
      }
    },
    async *below() {},
    async *open() {},
    follow: async () => undefined,
    locate: () => Promise.reject(new Error("it is in no snapshot")),
  };
  return { view, given: () => given };
}

it("a directory of a million entries is written as it is read, no faster than it is taken", async () => {
  const { view, given } = wideView(1_000_000);
  const mount: Mount = { kind: "snapshot", name: "wide", view: () => view };
  const small = await serveSmall(mount);
  const response = await fetch(`${small.url}/`);
  const reader = response.body!.getReader();
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(given()).toBeLessThan(100_000);
  await reader.cancel();
  const page = await (await fetch(`${small.url}/?limit=1000`)).text();
  expect(page.match(/<tr><td>/g)).toHaveLength(1000);
  expect(page).toContain("after=entry%200000999");
  const sorted = await (await fetch(`${small.url}/?sort=size&limit=10`)).text();
  expect(sorted).toContain("too large to be sorted");
  await small.gateway.close(0);
});
