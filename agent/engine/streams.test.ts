import { existsSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { noise, SmallHost } from "./small-host.testing.ts";

const hosts: SmallHost[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.remove();
});

async function newHost(): Promise<SmallHost> {
  const host = await SmallHost.make();
  hosts.push(host);
  return host;
}

/** Prints the bytes `x`, so many in each of so many writes. */
const printer = (bytes: number, writes: number) =>
  `let n = ${writes}; const go = () => { if (n-- > 0) process.stdout.write(Buffer.alloc(${bytes}, "x"), go); }; go();`;

async function content(host: SmallHost, path: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  await host.run(async (engine) => {
    for await (const part of engine.read({ snapshot: { by: "age", back: 0 }, path })) parts.push(part);
    return { operation: "cat", outcome: "ok", facts: {} };
  });
  return Buffer.concat(parts);
}

const command = (script: string) => [process.execPath, "-e", script];

describe("backup of a stream", () => {
  it("stores streams of any length, cut as a file of the same content is", async () => {
    const host = await newHost();
    // Around the sizes of chunks, of the window that they are cut from, and of the ring that the stream comes through.
    for (const [bytes, writes] of [
      [1, 1],
      [2047, 1],
      [2048, 1],
      [32_768, 4],
      [65_536, 64],
      [4_194_304, 2],
      [4_194_305, 2],
    ] as const) {
      const stream = { path: "/stream", command: command(printer(bytes, writes)) };
      expect(await host.backup({ paths: [], stream })).toMatchObject({
        outcome: "ok",
        facts: { sizeBytes: bytes * writes },
      });
      expect((await content(host, "/stream")).equals(Buffer.alloc(bytes * writes, "x"))).toBe(true);
    }
    const bytes = noise("stream", 200_000);
    const { writeFileSync } = await import("node:fs");
    writeFileSync(host.path("source/file"), bytes);
    await host.backup();
    const stream = { path: "/stream", command: ["cat", host.path("source/file")] };
    expect(await host.backup({ paths: [], stream })).toMatchObject({ facts: { newBytes: 0, changed: 1 } });
    expect(await host.check()).toMatchObject({ outcome: "ok", errors: [] });
  }, 120_000);

  it("makes no snapshot where the command fails after it has printed, and where it is stopped", async () => {
    const host = await newHost();
    const failing = { path: "/x", command: command(`${printer(100_000, 9)}; process.exitCode = 7`) };
    await expect(host.backup({ paths: [], stream: failing })).rejects.toMatchObject({
      kind: "unavailable",
      detail: { commandExitCode: 7 },
    });
    const stop = new AbortController();
    const started = host.path("started");
    const endless = `require("fs").writeFileSync(${JSON.stringify(started)}, ""); setInterval(() => process.stdout.write("x"), 5)`;
    const stopped = host.backup(
      { paths: [], stream: { path: "/x", command: command(endless) } },
      { signal: stop.signal },
    );
    const look = setInterval(() => existsSync(started) && stop.abort(), 20);
    await expect(stopped).rejects.toMatchObject({ kind: "interrupted" });
    clearInterval(look);
    expect(await host.snapshots()).toEqual([]);
  });

  it("is not read a second time where packs were swept meanwhile", async () => {
    const { StreamImporter } = await import("#agent/importers/stream-importer.ts");
    const { commandOutput } = await import("#agent/importers/command-output.ts");
    const importer = new StreamImporter({ root: "/x", host: "h", input: commandOutput(["true"]) });
    const first = importer.scan();
    expect([...((await first.next()).value as Iterable<object>)]).toMatchObject([{ dir: "", name: "", path: "/x" }]);
    await expect(importer.scan().next()).rejects.toMatchObject({ kind: "conflict" });
    await importer.close();
  });
});
