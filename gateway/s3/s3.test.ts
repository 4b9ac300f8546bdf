import {
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  type ListObjectsV2CommandInput,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  DeleteObjectsCommand,
  CreateMultipartUploadCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  GetBucketAclCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { entryTypes } from "#shared/format/entry.ts";
import type { ScriptedEntry } from "#shared/operations/backup/scripted-source.testing.ts";
import { noise } from "#shared/operations/small-store.testing.ts";
import { storeOf } from "#shared/view/view.testing.ts";
import { configuredAccess } from "#gateway/access/configured-access.ts";
import { mountOf, serveSmall, type SmallGateway } from "#gateway/small-gateway.testing.ts";

const big = noise("big", 100_000);
const entries: readonly ScriptedEntry[] = [
  { path: "a/one.txt", content: "one" },
  { path: "a/b/two", content: "two" },
  { path: "a.txt", content: "before a/" },
  { path: "a/new\nline &<b> \x01+", content: "odd" },
  { path: "caf\xe9", content: "latin" },
  { path: "\xc3\xa4 b", content: "" },
  { path: "big.bin", content: big, mtimeSec: 1_700_000_000 },
  { path: "empty", type: entryTypes.directory },
  { path: "link", type: entryTypes.symlink, target: "a/one.txt" },
  { path: "pipe", type: entryTypes.fifo },
];
const standIn = "caf\u{10ffe9}";
const keys = ["a.txt", "a/b/two", "a/new\nline &<b> \x01+", "a/one.txt", "big.bin", standIn, "empty/", "link", "ä b"];

const pair = { accessKeyId: "sample-key", secretAccessKey: "a secret of many characters" };
const limited = { accessKeyId: "limited", secretAccessKey: "another one of many characters" };
let small: SmallGateway;
let client: S3Client;
let bucket: string;

const clientOf = (credentials: { accessKeyId: string; secretAccessKey: string }): S3Client =>
  new S3Client({
    endpoint: `${small.url}/s3`,
    region: "eu-central-1",
    forcePathStyle: true,
    credentials,
    maxAttempts: 1,
  });

beforeAll(async () => {
  const mount = await mountOf(await storeOf(entries), "snapshot", "/scripted");
  bucket = mount.name;
  small = await serveSmall(mount, {
    access: configuredAccess({
      users: [],
      tokens: [],
      s3Keys: [
        { name: "sample", ...pair, grant: {} },
        { name: "limited", ...limited, grant: { directory: "/scripted/a/b" } },
      ],
    }),
    listeners: [{ host: "127.0.0.1", port: 0, protocols: ["http", "s3"] }],
  });
  client = clientOf(pair);
});
afterAll(async () => {
  client.destroy();
  await small.gateway.close(0);
});

async function list(input: Partial<ListObjectsV2CommandInput>): Promise<string[]> {
  const found: string[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, ...input, ContinuationToken: token }));
    found.push(
      ...(page.Contents ?? []).map(({ Key }) => Key!),
      ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix!),
    );
    expect(page.KeyCount).toBe((page.Contents?.length ?? 0) + (page.CommonPrefixes?.length ?? 0));
    token = page.NextContinuationToken;
    expect(page.IsTruncated).toBe(token !== undefined);
  } while (token !== undefined);
  return found;
}

const byUtf8 = (all: readonly string[]): string[] =>
  all.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
const failure = async (work: Promise<unknown>): Promise<[string, number | undefined]> => {
  try {
    await work;
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } };
    return [name, $metadata?.httpStatusCode];
  }
  return ["it worked", undefined];
};

describe("listings", () => {
  it("buckets are the snapshots", async () => {
    const { Buckets } = await client.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toEqual([bucket]);
    await client.send(new HeadBucketCommand({ Bucket: bucket }));
    expect(await failure(client.send(new HeadBucketCommand({ Bucket: "none" })))).toEqual(["NotFound", 404]);
    expect(await failure(client.send(new ListObjectsV2Command({ Bucket: "none" })))).toEqual(["NoSuchBucket", 404]);
    expect((await client.send(new GetBucketLocationCommand({ Bucket: bucket }))).LocationConstraint).toBeUndefined();
    expect((await client.send(new GetBucketVersioningCommand({ Bucket: bucket }))).Status).toBeUndefined();
    expect((await client.send(new GetBucketAclCommand({ Bucket: bucket }))).Grants).toHaveLength(1);
  });

  it.each([1, 2, 3, 1000])("give all keys in the order of their bytes, %d a page", async (MaxKeys) => {
    expect(await list({ MaxKeys, EncodingType: "url" }).then((all) => all.map(decodeURIComponent))).toEqual(
      byUtf8(keys),
    );
    expect(await list({ MaxKeys, Delimiter: "/" })).toEqual(expect.arrayContaining(["a/", "a.txt", "empty/", "link"]));
    expect((await list({ MaxKeys, Delimiter: "/", EncodingType: "url" })).length).toBe(7);
    expect(await list({ MaxKeys, Prefix: "a", Delimiter: "/" })).toEqual(
      MaxKeys === 1 ? ["a.txt", "a/"] : expect.arrayContaining(["a.txt", "a/"]),
    );
    expect(await list({ MaxKeys, Prefix: "a/b" })).toEqual(["a/b/two"]);
    expect(await list({ MaxKeys, Prefix: "a/b", Delimiter: "/" })).toEqual(["a/b/"]);
    expect(await list({ MaxKeys, Prefix: "empty/", Delimiter: "/" })).toEqual(["empty/"]);
    expect(await list({ MaxKeys, StartAfter: "big.bin", EncodingType: "url" })).toEqual([
      "caf%F4%8F%BF%A9",
      "empty/",
      "link",
      "%C3%A4%20b",
    ]);
    expect(await list({ MaxKeys, Delimiter: "e", Prefix: "a/", EncodingType: "url" })).toEqual(
      expect.arrayContaining(["a/ne", "a/one", "a/b/two"]),
    );
    for (const Prefix of ["none", "a/none/", "../", "a//", "link/", "/", "pipe"])
      expect(await list({ MaxKeys, Prefix })).toEqual([]);
  });

  it("version 1 goes on by markers, with and without delimiter", async () => {
    for (const Delimiter of [undefined, "/"]) {
      const found: string[] = [];
      for (let Marker: string | undefined; ;) {
        const page = await client.send(
          new ListObjectsCommand({ Bucket: bucket, MaxKeys: 1, Marker, Delimiter, EncodingType: "url" }),
        );
        found.push(
          ...(page.Contents ?? []).map(({ Key }) => Key!),
          ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix!),
        );
        if (page.IsTruncated !== true) break;
        Marker = decodeURIComponent(page.NextMarker!);
      }
      const wanted = Delimiter === undefined ? keys : ["a.txt", "a/", "big.bin", standIn, "empty/", "link", "ä b"];
      expect(found.map(decodeURIComponent)).toEqual(byUtf8(wanted));
    }
  });

  it("tell sizes, tags and times; of versions there is one", async () => {
    const { Contents } = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: "big", FetchOwner: true }),
    );
    expect(Contents).toEqual([
      {
        Key: "big.bin",
        Size: 100_000,
        ETag: expect.stringMatching(/^"[0-9a-f]{32}-1"$/),
        LastModified: new Date(1_700_000_000_000),
        StorageClass: "STANDARD",
        Owner: { ID: "holdfast", DisplayName: "holdfast" },
      },
    ]);
    const { Versions } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: "big" }));
    expect(Versions?.map(({ Key, VersionId, IsLatest }) => [Key, VersionId, IsLatest])).toEqual([
      ["big.bin", "null", true],
    ]);
  });

  it("refuse what they cannot read", async () => {
    expect((await list({ MaxKeys: 0 })).length).toBe(0);
    for (const bad of [{ ContinuationToken: "!" }, { MaxKeys: -1 }, { EncodingType: "x" as "url" }]) {
      expect(await failure(client.send(new ListObjectsV2Command({ Bucket: bucket, ...bad })))).toEqual([
        "InvalidArgument",
        400,
      ]);
    }
  });
});

describe("objects", () => {
  const get = (Key: string, more: object = {}) => client.send(new GetObjectCommand({ Bucket: bucket, Key, ...more }));

  it("come whole and in parts, by every key that is listed", async () => {
    const contents: Record<string, string> = {
      "a.txt": "before a/",
      "a/b/two": "two",
      "a/one.txt": "one",
      "empty/": "",
      link: "a/one.txt",
      "ä b": "",
      [standIn]: "latin",
      "a/new\nline &<b> \x01+": "odd",
    };
    for (const key of keys) {
      const bytes = Buffer.from(await (await get(key)).Body!.transformToByteArray());
      expect(bytes.equals(key === "big.bin" ? big : Buffer.from(contents[key]!)), key).toBe(true);
    }
    const part = await get("big.bin", { Range: "bytes=10-19" });
    expect([part.ContentRange, part.ContentLength]).toEqual(["bytes 10-19/100000", 10]);
    expect(Buffer.from(await part.Body!.transformToByteArray()).equals(big.subarray(10, 20))).toBe(true);
    expect(await (await get("link", { Range: "bytes=-3" })).Body!.transformToString()).toBe("txt");
    expect((await (await get("big.bin", { PartNumber: 1 })).Body!.transformToByteArray()).length).toBe(100_000);
  });

  it("tell what they were: mode, owner, time; conditions hold", async () => {
    const { Metadata, ContentLength, ETag, LastModified, ContentType } = await client.send(
      new HeadObjectCommand({ Bucket: bucket, Key: "big.bin" }),
    );
    expect([ContentLength, LastModified, ContentType]).toEqual([
      100_000,
      new Date(1_700_000_000_000),
      "application/octet-stream",
    ]);
    expect(Metadata).toMatchObject({
      mode: String(0o100644),
      mtime: "1700000000.000000005",
      uid: expect.any(String),
      gid: expect.any(String),
    });
    expect((await client.send(new HeadObjectCommand({ Bucket: bucket, Key: "link" }))).Metadata!["mode"]).toMatch(
      /^41/,
    );
    expect((await client.send(new HeadObjectCommand({ Bucket: bucket, Key: "a/" }))).Metadata!["mode"]).toMatch(/^16/);
    expect(await failure(get("big.bin", { IfNoneMatch: ETag }))).toEqual([expect.any(String), 304]);
    expect(await failure(get("big.bin", { IfMatch: '"other"' }))).toEqual(["PreconditionFailed", 412]);
    expect((await get("big.bin", { IfMatch: ETag!.replaceAll('"', "") })).ContentLength).toBe(100_000);
    expect(await failure(get("big.bin", { Range: "bytes=100000-" }))).toEqual(["InvalidRange", 416]);
    expect(await failure(get("big.bin", { PartNumber: 2 }))).toEqual(["InvalidPartNumber", 416]);
    const attributes = await client.send(
      new GetObjectAttributesCommand({ Bucket: bucket, Key: "big.bin", ObjectAttributes: ["ETag", "ObjectSize"] }),
    );
    expect([attributes.ObjectSize, attributes.ETag]).toEqual([100_000, ETag!.replaceAll('"', "")]);
  });

  it("are not there by other names", async () => {
    for (const key of [
      "none",
      "a",
      "a.txt/",
      "link/",
      "pipe",
      "a/b/two/x",
      "a//one.txt",
      "caf\u00e9",
      "A.TXT",
      "a/b",
    ]) {
      expect(await failure(get(key)), key).toEqual(["NoSuchKey", 404]);
      expect(await failure(client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))), key).toEqual([
        "NotFound",
        404,
      ]);
    }
    expect(await failure(get("a.txt", { VersionId: "x" }))).toEqual(["NoSuchVersion", 404]);
    expect((await get("a.txt", { VersionId: "null" })).ContentLength).toBe(9);
    // What is not signed as it is sent is not let in.
    for (const path of ["a/../a.txt", "a/%2e%2e/a.txt", "%00", "%zz"]) {
      expect((await fetch(`${small.url}/s3/${bucket}/${path}`)).status).toBeGreaterThanOrEqual(400);
    }
  });

  it("cannot be written", async () => {
    const Bucket = bucket;
    const denied = ["AccessDenied", 403];
    expect(await failure(client.send(new PutObjectCommand({ Bucket, Key: "a.txt", Body: "new" })))).toEqual(denied);
    const Delete = { Objects: [{ Key: "a.txt" }] };
    expect(await failure(client.send(new DeleteObjectsCommand({ Bucket, Delete })))).toEqual(denied);
    expect(await failure(client.send(new CreateMultipartUploadCommand({ Bucket, Key: "a.txt" })))).toEqual(denied);
  });
});

it("who may see one directory sees the way there and nothing else", async () => {
  const other = clientOf(limited);
  const { Contents } = await other.send(new ListObjectsV2Command({ Bucket: bucket }));
  expect(Contents?.map(({ Key }) => Key)).toEqual(["a/b/two"]);
  expect(await failure(other.send(new GetObjectCommand({ Bucket: bucket, Key: "a.txt" })))).toEqual(["NoSuchKey", 404]);
  const wrong = clientOf({ ...limited, secretAccessKey: "wrong and of many characters" });
  expect(await failure(wrong.send(new ListBucketsCommand({})))).toEqual(["SignatureDoesNotMatch", 403]);
  expect((await fetch(`${small.url}/s3/`)).status).toBe(403);
  expect(small.records.find(({ status, principal }) => status === 200 && principal === "limited")).toBeDefined();
  expect(small.faults).toEqual([]);
  for (const each of [other, wrong]) each.destroy();
});
