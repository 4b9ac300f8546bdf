import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { SmallHost } from "./small-host.testing.ts";

let host: SmallHost | undefined;
afterEach(() => host?.remove());

test("what is no file is not read, and the refusal names it and what it is", async () => {
  const made = await SmallHost.make();
  host = made;
  mkdirSync(made.path("source", "sub"));
  symlinkSync("sub", made.path("source", "link"));
  writeFileSync(made.path("source", "file"), "content");
  await made.backup();
  const read = (name: string) =>
    made.run(async (engine) => {
      const parts: Uint8Array[] = [];
      const path = Buffer.from(made.path("source", name)).toString("latin1");
      for await (const part of engine.read({ snapshot: { by: "age", back: 0 }, path })) parts.push(part);
      return { operation: "cat", outcome: "ok", facts: { content: Buffer.concat(parts).toString() } };
    });
  expect((await read("file")).facts["content"]).toBe("content");
  await expect(read("sub")).rejects.toMatchObject({
    kind: "invalid",
    message: `Cannot read ${made.path("source", "sub")}: it is no file but a directory`,
    hint: expect.stringContaining("holdfast ls"),
  });
  await expect(read("link")).rejects.toMatchObject({ message: expect.stringContaining("it is no file but a symlink") });
});
