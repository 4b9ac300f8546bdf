import { ListObjectsCommand, ListObjectsV2Command, ListObjectVersionsCommand, S3Client } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, expect, it } from "vitest";
import { scriptedSource } from "#shared/operations/backup/scripted-source.testing.ts";
import { backupSmall } from "#shared/operations/small-store.testing.ts";
import type { Store } from "#shared/store/store.ts";
import { storeOf } from "#shared/view/view.testing.ts";
import { mountOf, serveSmall, type SmallGateway } from "./small-gateway.testing.ts";

const first = ["a/1", "a/2", "b/1", "b/2"];
let store: Store;
let small: SmallGateway;
let client: S3Client;

beforeEach(async () => {
  store = await storeOf(first.map((path) => ({ path, content: "first" })));
  small = await serveSmall(await mountOf(store, "store"), {
    listeners: [{ host: "127.0.0.1", port: 0, protocols: ["http", "webdav", "s3"] }],
  });
  client = new S3Client({
    endpoint: `${small.url}/s3`,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    maxAttempts: 1,
  });
});
afterEach(async () => {
  client.destroy();
  await small.gateway.close(0);
});

/** Another directory becomes the newest snapshot. */
const commitAnother = () =>
  backupSmall(store, [scriptedSource({ root: "/other", entries: [{ path: "z", content: "second" }] })]);
const wanted = first.map((path) => `scripted/${path}`);
const Bucket = "latest";

it("S3 version 2: a listing that began in a snapshot ends in it, whoever asks for the next page", async () => {
  const page = await client.send(new ListObjectsV2Command({ Bucket, MaxKeys: 1 }));
  await commitAnother();
  const keys = (page.Contents ?? []).map(({ Key }) => Key);
  let token = page.NextContinuationToken;
  while (token !== undefined) {
    const answer = await fetch(
      `${small.url}/s3/latest?list-type=2&max-keys=1&continuation-token=${encodeURIComponent(token)}`,
      { headers: { "user-agent": `another ${keys.length}` } },
    );
    const text = await answer.text();
    keys.push(/<Key>([^<]+)/.exec(text)?.[1]);
    token = /<NextContinuationToken>([^<]+)/.exec(text)?.[1];
  }
  expect(keys).toEqual(wanted);
});

it("S3 version 1 and versions: markers name the snapshot", async () => {
  const one = await client.send(new ListObjectsCommand({ Bucket, MaxKeys: 2 }));
  const versions = await client.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 2 }));
  await commitAnother();
  const get = async (query: string): Promise<string[]> => {
    const text = await (await fetch(`${small.url}/s3/latest?${query}`, { headers: { "user-agent": "x" } })).text();
    return Array.from(text.matchAll(/<Key>([^<]+)|<Code>([^<]+)/g), ([, key, code]) => key ?? code ?? "");
  };
  expect(await get(`marker=${encodeURIComponent(one.NextMarker ?? "")}`)).toEqual(wanted.slice(2));
  const { NextKeyMarker, NextVersionIdMarker } = versions;
  expect(await get(`versions&key-marker=${NextKeyMarker}&version-id-marker=${NextVersionIdMarker}`)).toEqual(
    wanted.slice(2),
  );
});

it("S3: a token of another snapshot, of none, or a key where nothing was begun, fails", async () => {
  const page = await client.send(new ListObjectsV2Command({ Bucket, MaxKeys: 1 }));
  await commitAnother();
  const buckets = await (await fetch(`${small.url}/s3/`)).text();
  const refused = async (query: string, bucket = "latest"): Promise<void> => {
    const answer = await fetch(`${small.url}/s3/${bucket}?${query}`, { headers: { "user-agent": query } });
    expect([answer.status, await answer.text()], query).toEqual([400, expect.stringContaining("InvalidArgument")]);
  };
  await refused("list-type=2&continuation-token=MQ");
  await refused(`list-type=2&continuation-token=${Buffer.from(`1${"ab".repeat(32)}/a`).toString("base64url")}`);
  await refused("marker=scripted/a/1");
  await refused("versions&key-marker=scripted/a/1&version-id-marker=null");
  const names = Array.from(buckets.matchAll(/<Name>(\d[^<]+)/g), ([, name]) => name);
  expect(names).toHaveLength(2);
  const statuses = await Promise.all(
    names.map(async (name) => {
      const query = `list-type=2&continuation-token=${page.NextContinuationToken}`;
      return (await fetch(`${small.url}/s3/${name}?${query}`)).status;
    }),
  );
  expect(statuses.sort()).toEqual([200, 400]);
});

it("S3: what was listed under `latest` can be got, whole and in parts", async () => {
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${small.url}/s3/latest${path}`, { headers: { "user-agent": "sync", ...headers } });
  expect(await (await get("?list-type=2")).text()).toContain("<Key>scripted/a/1</Key>");
  await commitAnother();
  expect(await (await get("/scripted/a/1")).text()).toBe("first");
  expect(await (await get("/scripted/a/1", { range: "bytes=3-" })).text()).toBe("st");
  expect((await get("/scripted/a/1", { "user-agent": "another" })).status).toBe(404);
});

it("HTTP: `latest` redirects to the snapshot by its name, and a client that asks by `latest` again stays there", async () => {
  const get = (path: string, agent = "walker") =>
    fetch(small.url + path, { redirect: "manual", headers: { "user-agent": agent } });
  const top = await get("/latest/");
  const location = top.headers.get("location") ?? "";
  expect([top.status, location]).toEqual([302, expect.stringMatching(/^\.\.\/\d{4}-[^/]+\/$/)]);
  expect((await fetch(new URL(location, `${small.url}/latest/`))).status).toBe(200);
  expect((await get("/latest/scripted/a/?x=1")).headers.get("location")).toBe(`../../${location}scripted/a/?x=1`);
  await commitAnother();
  expect((await get("/latest/scripted/b/1")).headers.get("location")).toBe(`../../${location}scripted/b/1`);
  const newer = (await get("/latest/", "another")).headers.get("location");
  expect(newer).not.toBe(location);
  expect((await get("/latest/scripted/b/1", "third")).status).toBe(404);
});

it.each(["/latest", "/latest/scripted/a"])("HTTP: %s redirects to a directory by its slash, at once", async (path) => {
  const response = await fetch(small.url + path, { redirect: "manual" });
  expect(response.headers.get("location")).toMatch(/^(?:\.\.\/)*\d{4}-[^?]*\/$/);
  expect((await fetch(small.url + path)).url).toMatch(/\/\d{4}-.*\/$/);
});

it("HTTP: who asks for one thing again and again gets the newest", async () => {
  const get = async () => (await fetch(`${small.url}/latest/`, { redirect: "manual" })).headers.get("location");
  const before = await get();
  await commitAnother();
  expect(await get()).not.toBe(before);
});

it("WebDAV: a walk that began in a snapshot ends in it, under the paths that it asked for", async () => {
  const list = async (path: string): Promise<string[]> => {
    const answer = await fetch(`${small.url}/dav${path}`, { method: "PROPFIND", headers: { depth: "1" } });
    return Array.from((await answer.text()).matchAll(/<D:href>([^<]+)/g), ([, href]) => href!);
  };
  expect(await list("/")).toEqual(expect.arrayContaining(["/dav/latest/", "/dav/latest-small/"]));
  expect(await list("/latest/")).toEqual(["/dav/latest/", "/dav/latest/scripted/"]);
  expect(await list("/latest/scripted/")).toContain("/dav/latest/scripted/b/");
  await commitAnother();
  expect(await list("/latest/scripted/b/")).toEqual([
    "/dav/latest/scripted/b/",
    "/dav/latest/scripted/b/1",
    "/dav/latest/scripted/b/2",
  ]);
  const part = await fetch(`${small.url}/dav/latest/scripted/b/1`, { headers: { range: "bytes=2-" } });
  expect([part.status, await part.text()]).toEqual([206, "rst"]);
});

it("`latest` is in every listing of the top, of each host too", async () => {
  const page = await (await fetch(`${small.url}/`)).text();
  const buckets = await (await fetch(`${small.url}/s3/`)).text();
  for (const name of ["latest", "latest-small"]) {
    expect(page).toContain(`>${name}/</a>`);
    expect(buckets).toContain(`<Name>${name}</Name>`);
  }
});
