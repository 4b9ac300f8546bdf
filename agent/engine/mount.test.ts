import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { MountRequest } from "#agent/commands/engine.ts";
import type { GatewayStart, MountPlace } from "#agent/commands/gateway-port.ts";
import { parseListener } from "#agent/arguments/parse-listener.ts";
import { readGuardedFile } from "#agent/config/read-guarded-file.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { silentReporter } from "#shared/operations/progress.ts";
import { Patience } from "./patience.ts";
import { runMount } from "./run-mount.ts";
import { SmallHost } from "./small-host.testing.ts";
import { openSession } from "./session.ts";
import type { EngineParts } from "./engine-parts.ts";

const request: MountRequest = {
  reference: undefined,
  listeners: [{ host: "127.0.0.1", port: 0, protocols: ["http"] }],
  accessFile: undefined,
  linkToken: undefined,
  certFile: undefined,
  keyFile: undefined,
  isPlainAllowed: false,
  accessLogFile: undefined,
  connections: undefined,
  stallMs: undefined,
  trustedProxies: [],
  requestsPerSecond: undefined,
};

test.each([
  ["8080", "127.0.0.1", 8080],
  ["0.0.0.0:80", "0.0.0.0", 80],
  ["[::1]:0", "::1", 0],
  ["localhost:65535", "localhost", 65_535],
])("%s is a place to listen at", (text, host, port) => expect(parseListener(text)).toEqual({ host, port }));

test.each(["", "x", ":80", "a:b", "1.2.3.4:65536", "::1:80", "[::1]", "a b:c", "http://x:80"])("%j is none", (text) => {
  expect(() => parseListener(text)).toThrow("it is not HOST:PORT");
});

test("mount serves until it is stopped, writes a private log of requests, and refuses files that others may read", async () => {
  const host = await SmallHost.make();
  writeFileSync(`${host.source}/a`, "content");
  await host.backup();
  const stop = new AbortController();
  const starts: GatewayStart[] = [];
  const closed: number[] = [];
  const parts = (json: string | undefined): EngineParts => ({
    store: host.store,
    storeDirectory: undefined,
    storageClass: undefined,
    directories: { data: host.path("data"), cache: host.path("cache") },
    useCache: false,
    acceptRollback: false,
    concurrency: 1,
    patience: new Patience(undefined),
    secretSources: {
      keyfile: undefined,
      passphraseCommand: undefined,
      passphrase: undefined,
      terminal: () => Promise.resolve(undefined),
    },
    reporter: silentReporter,
    signal: stop.signal,
    mountAccess: json,
    startGateway: async (start) => {
      starts.push(start);
      return {
        places: [{ protocol: "http", url: "http://127.0.0.1:1/" }],
        close: async (graceMs) => void closed.push(graceMs),
      };
    },
  });
  const places: MountPlace[] = [];
  const log = host.path("access.log");
  const used = parts('{"users":[]}');
  const running = runMount(
    used,
    () => openSession(used, "read"),
    { ...request, accessLogFile: log },
    (place) => {
      places.push(place);
      starts[0]?.onAccess?.({
        timeMs: 0,
        durationMs: 1,
        address: "127.0.0.1",
        principal: "ada",
        method: "GET",
        path: "/x",
        status: 200,
        sentBytes: 7,
        failure: undefined,
      });
      stop.abort();
    },
  );
  await running;
  expect(places).toEqual([{ protocol: "http", url: "http://127.0.0.1:1/", needsLink: false }]);
  expect(starts[0]).toMatchObject({
    snapshot: undefined,
    access: { json: '{"users":[]}', where: "HOLDFAST_MOUNT_ACCESS" },
  });
  expect(closed).toHaveLength(1);
  expect(readFileSync(log, "utf8")).toMatch(/^\{"time":"1970-01-01T00:00:00.000Z",.*"principal":"ada".*\}\n$/);

  const never = new AbortController().signal;
  const file = host.path("access.json");
  writeFileSync(file, "{}", { mode: 0o644 });
  chmodSync(file, 0o644);
  await expect(readGuardedFile(file, "access rules", never)).rejects.toMatchObject({ kind: "denied" });
  chmodSync(file, 0o600);
  expect(await readGuardedFile(file, "access rules", never)).toBe("{}");
  await expect(readGuardedFile(host.path("none"), "access rules", never)).rejects.toMatchObject({ kind: "absent" });
  const half = runMount(
    used,
    () => openSession(used, "read"),
    { ...request, certFile: file },
    () => undefined,
  );
  await expect(half).rejects.toSatisfy((error) => isHoldfastError(error, "invalid"));
  const notThere = { by: "prefix", prefix: "ffffffff" } as const;
  const absent = { ...request, reference: { snapshot: notThere, path: undefined } };
  const fresh = { ...used, signal: new AbortController().signal };
  await expect(
    runMount(
      fresh,
      () => openSession(fresh, "read"),
      absent,
      () => undefined,
    ),
  ).rejects.toMatchObject({ kind: "absent" });
  host.remove();
});
