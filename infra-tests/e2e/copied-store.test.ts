import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Sandbox } from "./sandbox.ts";

const sandbox = new Sandbox();
const [original, copy, source] = ["original", "copy", "source"].map((name) => sandbox.path(name)) as [
  string,
  string,
  string,
];
afterAll(() => sandbox.remove());

beforeAll(async () => {
  mkdirSync(source);
  writeFileSync(`${source}/file`, "1");
  await sandbox.do(["at", original, "create"]);
  await sandbox.do(["at", original, "backup", source]);
  cpSync(original, copy, { recursive: true });
  await sandbox.do(["at", copy, "ls"]);
});

test("a copy of a store that lags behind is refused, naming both places", async () => {
  await sandbox.do(["at", original, "backup", source]);
  const refused = await sandbox.run(["at", copy, "ls"]);
  expect(refused.status).not.toBe(0);
  expect(refused.stderr).toContain(
    `its log ends at entry 1, and entry 2 was seen before at ${original}; this is ${copy}`,
  );
  expect(refused.stderr).toContain("--accept-rollback");
});

test("a copy that went another way is refused, naming both hashes and places, until it is accepted", async () => {
  const elsewhere = { env: { XDG_DATA_HOME: sandbox.path("another client") } };
  await sandbox.do(["at", copy, "backup", source], elsewhere);
  await sandbox.do(["at", copy, "backup", source], elsewhere);
  const refused = await sandbox.run(["at", copy, "ls"]);
  expect(refused.status).not.toBe(0);
  expect(refused.stderr).toMatch(
    new RegExp(
      `log entry 2 has hash [0-9a-f]{64}, and was seen with hash [0-9a-f]{64} at ${original}; this is ${copy}`,
    ),
  );
  const accepted = await sandbox.run(["--quiet", "at", copy, "ls", "--accept-rollback"]);
  expect(accepted.status).toBe(0);
  expect(accepted.stdout.trimEnd().split("\n")).toHaveLength(3);
  expect(accepted.stderr).toContain("Accepted");
  expect((await sandbox.run(["at", copy, "ls"])).status).toBe(0);
  const back = await sandbox.run(["at", original, "ls"]);
  expect(back.stderr).toContain(`was seen before at ${copy}; this is ${original}`);
});
