import { expect, it } from "vitest";
import { storeOf } from "#shared/view/view.testing.ts";
import { mountOf, serveSmall } from "#gateway/small-gateway.testing.ts";
import { keyFromXml, keyInXml } from "./object-key.ts";

const names = ["ctl\x01", "ctl\x01dir/in", "ctl2", "plain", "tab\there", "\xef\xbf\xbe", "\xff"];

it("clients that ask for no encoding list every directory, page by page, and get what they list", async () => {
  const store = await storeOf(names.map((path) => ({ path, content: Buffer.from(path, "latin1") })));
  const mount = await mountOf(store, "snapshot", "/scripted");
  const small = await serveSmall(mount, { listeners: [{ host: "127.0.0.1", port: 0, protocols: ["s3"] }] });
  const list = async (query: string): Promise<string[]> => {
    const text = await (await fetch(`${small.url}/${mount.name}?${query}`)).text();
    // oxlint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|&#x(?:[0-8bcef]|1[0-9a-f]|fff[ef]);/i);
    return Array.from(text.matchAll(/<(?:Key|Prefix)>([^<]+)</g), ([, key]) => key!.replaceAll("&#x9;", "\t"));
  };
  const keys = await list("");
  expect(keys).toHaveLength(names.length);
  const bodies = keys.map(async (key) =>
    Buffer.from(await (await fetch(`${small.url}/${mount.name}/${encodeURIComponent(key)}`)).arrayBuffer()).toString(
      "latin1",
    ),
  );
  expect((await Promise.all(bodies)).sort()).toEqual(names.toSorted());
  const paged: string[] = [];
  for (let marker = ""; paged.length <= names.length;) {
    const [key] = await list(`max-keys=1&marker=${encodeURIComponent(marker)}`);
    if (key === undefined) break;
    paged.push(key);
    marker = key;
  }
  expect(paged).toEqual(keys);
  const prefix = (await list("delimiter=/")).find((each) => each.endsWith("/"));
  expect(await list(`prefix=${encodeURIComponent(prefix ?? "")}`)).toHaveLength(2);
  await small.gateway.close(0);
});

it.each(names)("a key in XML means the same key: %j", (name) => {
  expect(keyFromXml(keyInXml(name))).toBe(name);
});

it("HEAD with a range or a part answers as S3 does", async () => {
  const store = await storeOf([
    { path: "file", content: "0123456789" },
    { path: "empty", content: "" },
  ]);
  const mount = await mountOf(store, "snapshot", "/scripted");
  const small = await serveSmall(mount, { listeners: [{ host: "127.0.0.1", port: 0, protocols: ["s3"] }] });
  const head = async (path: string, range?: string): Promise<[number, string | null, string | null]> => {
    const headers: Record<string, string> = range === undefined ? {} : { range };
    const response = await fetch(`${small.url}/${mount.name}/${path}`, { method: "HEAD", headers });
    return [response.status, response.headers.get("content-length"), response.headers.get("content-range")];
  };
  expect(await head("file", "bytes=2-4")).toEqual([206, "3", "bytes 2-4/10"]);
  expect(await head("file?partNumber=1")).toEqual([206, "10", "bytes 0-9/10"]);
  expect((await head("file", "bytes=10-"))[0]).toBe(416);
  expect((await head("empty", "bytes=0-"))[0]).toBe(416);
  expect(await head("empty")).toEqual([200, "0", null]);
  await small.gateway.close(0);
});
