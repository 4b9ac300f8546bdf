import { argon2id } from "hash-wasm";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import { manualClock } from "#shared/store/manual-clock.ts";
import type { Store } from "#shared/store/store.ts";
import { storeOf } from "#shared/view/view.testing.ts";
import { mountOf, rawRequest, serveSmall, type SmallGateway } from "#gateway/small-gateway.testing.ts";
import { serveGateway } from "#gateway/node.ts";
import { type AccessConfig, readAccessConfig } from "./access-config.ts";
import { configuredAccess, openAccess } from "./configured-access.ts";
import { RateLimit } from "./rate-limit.ts";

const token = "t0ken-of-more-than-twenty-characters";
const basic = (name: string, password: string): string =>
  `Basic ${Buffer.from(`${name}:${password}`, "utf8").toString("base64")}`;

let store: Store;
let config: AccessConfig;
let passwordHash = "";
const running: SmallGateway[] = [];
beforeAll(async () => {
  store = await storeOf([
    { path: "etc/hosts", content: "hosts" },
    { path: "home/ada/secret", content: "s" },
  ]);
  passwordHash = await argon2id({
    password: "pässword",
    salt: Buffer.alloc(16, 1),
    iterations: 1,
    memorySize: 64,
    parallelism: 1,
    hashLength: 32,
    outputType: "encoded",
  });
  config = readAccessConfig(
    JSON.stringify({
      users: [
        { name: "ada", passwordHash },
        { name: "bob", password: "plain", allow: { directory: "/scripted/etc" } },
        { name: "eve", password: "other", allow: { hosts: ["another"] } },
      ],
      tokens: [{ name: "ci", token }],
    }),
    "a test",
  );
});
afterEach(async () => {
  for (const { gateway } of running.splice(0)) await gateway.close(0);
});

async function guarded(): Promise<SmallGateway> {
  const small = await serveSmall(await mountOf(store, "store"), { access: configuredAccess(config) });
  running.push(small);
  return small;
}

const statusOf = async (small: SmallGateway, path: string, authorization?: string): Promise<number> => {
  const response = await fetch(small.url + path, { headers: authorization === undefined ? {} : { authorization } });
  await response.arrayBuffer();
  return response.status;
};

describe("a guarded gateway", () => {
  it("shows nothing to nobody, and all to whom it knows", async () => {
    const small = await guarded();
    for (const header of [
      undefined,
      "",
      "Basic",
      "Basic !!",
      basic("ada", "wrong"),
      basic("ada", ""),
      basic("none", "x"),
      `Bearer ${token}x`,
      "Bearer ",
      `Digest ${token}`,
    ])
      expect(await statusOf(small, "/", header), String(header)).toBe(401);
    for (const header of [basic("ada", "pässword"), basic("ada", "pässword"), `Bearer ${token}`, basic("token", token)])
      expect(await statusOf(small, "/latest/scripted/etc/hosts", header), header).toBe(200);
    expect(small.records.at(-1)?.principal).toBe("ci");
    expect(JSON.stringify(small.records)).not.toContain(token);
  });

  it("shows to each what they may see, and nothing else is there for them", async () => {
    const small = await guarded();
    const bob = basic("bob", "plain");
    expect(await statusOf(small, "/latest/scripted/etc/hosts", bob)).toBe(200);
    expect(await statusOf(small, "/latest/scripted/home/ada/secret", bob)).toBe(404);
    expect(await statusOf(small, "/latest/scripted/home/", bob)).toBe(404);
    expect(await statusOf(small, "/latest/scripted/etc/../home/ada/secret", bob)).toBe(404);
    const page = await (await fetch(`${small.url}/latest/scripted/`, { headers: { authorization: bob } })).text();
    expect(page).toContain("etc");
    expect(page).not.toContain("home");
    expect(await statusOf(small, "/latest/", basic("eve", "other"))).toBe(404);
    const top = await (await fetch(`${small.url}/`, { headers: { authorization: basic("eve", "other") } })).text();
    expect(top).toContain("Nothing is here");
  });

  it("counts guesses by name and address, before they are looked at, however many come in one packet", async () => {
    const small = await guarded();
    const guesses = Array.from({ length: 60 }, (_, guess) => basic("ada", `guess ${guess}`));
    const packet = guesses
      .map((header, index) => {
        const last = index === guesses.length - 1 ? "Connection: close\r\n" : "";
        return `HEAD / HTTP/1.1\r\nHost: localhost\r\n${last}Authorization: ${header}\r\n\r\n`;
      })
      .join("");
    const answers = Array.from(
      (await rawRequest(small.url, packet)).matchAll(/^HTTP\/1.1 (\d+)/gm),
      ([, status]) => status,
    );
    expect(answers).toHaveLength(60);
    // Twenty are looked at at once, and three when their turn comes; of those some may be too many for the time being.
    expect(answers.filter((status) => status !== "429").length).toBeLessThanOrEqual(24);
    expect(answers.filter((status) => status === "429").length).toBeGreaterThanOrEqual(36);
    expect(await statusOf(small, "/", basic("bob", "plain"))).toBe(200);
    expect(await statusOf(small, "/", `Bearer ${token}`)).toBe(200);
    expect(await statusOf(small, "/", basic("token", token))).toBe(200);
  }, 30_000);

  it("lets in who knows the password while others guess it from the same address", async () => {
    const small = await guarded();
    expect(await statusOf(small, "/", basic("ada", "pässword"))).toBe(200);
    const guesses = Array.from({ length: 40 }, (_, guess) => statusOf(small, "/", basic("ada", `guess ${guess}`)));
    expect(await statusOf(small, "/", basic("ada", "pässword"))).toBe(200);
    expect(await Promise.all(guesses)).not.toContain(200);
    // Not seen before: it waits for its turn.
    expect(await statusOf(small, "/", basic("bob", "wrong"))).toBe(401);
    for (let guess = 0; guess < 19; guess++) await statusOf(small, "/", basic("bob", `${guess}`));
    expect(await statusOf(small, "/", basic("bob", "plain"))).toBe(200);
  }, 60_000);

  it("counts clients behind a trusted proxy by their own addresses, and nobody else's word", async () => {
    const small = await serveSmall(await mountOf(store, "store"), {
      access: configuredAccess(config),
      trustedProxies: ["127.0.0.1"],
    });
    running.push(small);
    const ask = async (address: string, password: string): Promise<number> =>
      (
        await fetch(`${small.url}/`, {
          headers: { authorization: basic("ada", password), "x-forwarded-for": `6.6.6.6, ${address}` },
        })
      ).status;
    await Promise.all(Array.from({ length: 40 }, (_, guess) => ask("192.0.2.1", `guess ${guess}`)));
    expect(await ask("192.0.2.2", "pässword")).toBe(200);
    expect(small.records.at(-1)?.address).toBe("192.0.2.2");
  }, 60_000);
});

describe("a place that others can reach", () => {
  const listeners = [{ host: "0.0.0.0", port: 0, protocols: ["http" as const] }];
  it("is not listened at without users, nor without TLS", async () => {
    const mount = await mountOf(store);
    const refused = { kind: "denied" };
    await expect(serveGateway({ mount, listeners, access: openAccess })).rejects.toMatchObject(refused);
    await expect(serveGateway({ mount, listeners, access: openAccess, isPlainAllowed: true })).rejects.toMatchObject(
      refused,
    );
    await expect(serveGateway({ mount, listeners, access: configuredAccess(config) })).rejects.toMatchObject(refused);
    const gateway = await serveGateway({ mount, listeners, access: configuredAccess(config), isPlainAllowed: true });
    await gateway.close(0);
  });

  it.each([
    ["http", "users", "HASH"],
    ["s3", "s3Keys", "SECRET"],
  ] as const)("is refused to %s with the access file that would do, once filled in", async (protocol, what, blank) => {
    const places = [{ host: "0.0.0.0", port: 0, protocols: [protocol] }];
    const mount = await mountOf(store);
    const error: unknown = await serveGateway({ mount, listeners: places, access: openAccess }).catch(
      (thrown: unknown) => thrown,
    );
    if (!isHoldfastError(error, "denied")) return expect.fail(String(error));
    const rules = /\{.*\}/.exec(error.hint ?? "")?.[0] ?? expect.fail(error.hint ?? "no hint");
    expect(() => readAccessConfig(rules, "the hint")).toThrow(/Hash|secret/);
    const filled = rules.replace(`"${blank}"`, JSON.stringify(blank === "HASH" ? passwordHash : token));
    expect(readAccessConfig(filled, "the hint")[what]).toHaveLength(1);
  });

  it.each(["127.0.0.1.evil", "0.0.0.0", "::", "127.0.0", "localhost.", "example.org"])(
    "is what %s counts as",
    async (host) => {
      const mount = await mountOf(store);
      const places = [{ host, port: 0, protocols: ["http" as const] }];
      await expect(serveGateway({ mount, listeners: places, access: openAccess })).rejects.toMatchObject({
        kind: "denied",
      });
    },
  );

  it.each([{ connections: 0 }, { requestsPerSecond: 0 }])("lets somebody in: %j is refused", async (limits) => {
    const places = [{ host: "127.0.0.1", port: 0, protocols: ["http" as const] }];
    await expect(
      serveGateway({ mount: await mountOf(store), listeners: places, access: openAccess, ...limits }),
    ).rejects.toMatchObject({ kind: "invalid" });
  });

  it("cannot be taken twice", async () => {
    const small = await guarded();
    const port = Number(new URL(small.url).port);
    const places = [{ host: "127.0.0.1", port, protocols: ["http" as const] }];
    await expect(
      serveGateway({ mount: await mountOf(store), listeners: places, access: openAccess }),
    ).rejects.toMatchObject({
      kind: "conflict",
      message: `Cannot listen at 127.0.0.1:${port}: another program listens there`,
    });
  });
});

describe("access rules", () => {
  it.each([
    ["no JSON: secret-in-text", "they are no JSON"],
    ["[]", "no object"],
    ["{}", "they name nobody"],
    ['{"user":[]}', '"user"'],
    ['{"users":[{"name":"a"}]}', "one of password and passwordHash"],
    ['{"users":[{"name":"a","password":"p","passwordHash":"$argon2id$"}]}', "one of password"],
    ['{"users":[{"name":"a:b","password":"p"}]}', "colon"],
    ['{"users":[{"name":"a","passwordHash":"$2b$10$x"}]}', "argon2id"],
    ['{"users":[{"name":"a","passwordHash":"$argon2id$v=19$m=99999999,t=1,p=1$AAAA$AAAA"}]}', "argon2id"],
    ['{"users":[{"name":"a","password":"p","allow":{"directroy":"/etc"}}]}', "directroy"],
    ['{"users":[{"name":"a","password":"p","allow":{"directory":"/etc/.."}}]}', "absolute path"],
    ['{"users":[{"name":"a","password":"p","allow":{"directory":"etc"}}]}', "absolute path"],
    ['{"users":[{"name":"a","password":"p","allow":{"snapshots":["a"]}}]}', "beginnings of ids"],
    ['{"users":[{"name":"a","password":"p","allow":{"hosts":"web1"}}]}', "list of texts"],
    ['{"users":[{"name":"a","password":"p"},{"name":"a","password":"q"}]}', "same name"],
    ['{"tokens":[{"name":"a","token":"short"}]}', "20 characters"],
    ['{"tokens":[{"name":"a","tokenSha256":"xyz"}]}', "SHA-256"],
    ['{"s3Keys":[{"accessKeyId":"a b","secretAccessKey":"01234567890123456789"}]}', "accessKeyId"],
    ['{"s3Keys":[{"accessKeyId":"abc","secretAccessKey":"short"}]}', "20 characters"],
  ])("%s are refused", (json, reason) => {
    let message = "";
    try {
      readAccessConfig(json, "FILE");
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain(reason);
    expect(message).not.toContain("secret-in-text");
  });

  it("know S3 keys and hashed tokens", async () => {
    const sha256 = "b3e5f6a3a2c1b0f09c5bd0e5a7c6a1c7d2f0f3f65ab2f2a1aa4cd4f0bb9b3b6e";
    const rules = configuredAccess(
      readAccessConfig(
        JSON.stringify({
          s3Keys: [{ accessKeyId: "AKID", secretAccessKey: "0".repeat(40), allow: { tags: ["x"] } }],
          tokens: [{ name: "h", tokenSha256: sha256 }],
        }),
        "x",
      ),
    );
    expect(rules.keyPair("AKID")).toEqual({
      secretAccessKey: "0".repeat(40),
      principal: { name: "AKID", grant: expect.objectContaining({ tags: ["x"] }) },
    });
    expect(rules.keyPair("OTHER")).toBeUndefined();
    expect(await rules.authorize(`Bearer ${sha256}`, "")).toEqual({ refusal: "unknown" });
  });
});

it("a rate limit refills with time, forgets old callers, and counts a /64 as one", () => {
  const clock = manualClock(0);
  const limit = new RateLimit(clock, { perSecond: 1, burst: 2 });
  expect([limit.take("a"), limit.take("a"), limit.take("a"), limit.take("b")]).toEqual([true, true, false, true]);
  clock.advance(1000);
  expect([limit.take("a"), limit.take("a")]).toEqual([true, false]);
  expect([limit.take("2001:db8::1"), limit.take("2001:db8:0:0:5::2"), limit.take("2001:db8::3")]).toEqual([
    true,
    true,
    false,
  ]);
  expect(limit.take("2001:db8:0:1::1")).toBe(true);
});
