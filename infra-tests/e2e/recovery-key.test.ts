import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Sandbox } from "./sandbox.ts";

// A recovery key is told once. These runs cannot tell it.

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

/** Runs `create` with its standard output as a shell's words after it say. */
function create(store: string, output: string, ...options: string[]) {
  const line = `"$@" ${output}; exit "\${PIPESTATUS[0]}"`;
  const words = [...sandbox.program, ...options, "at", sandbox.path(store), "create"];
  const { status, stdout, stderr } = spawnSync("bash", ["-c", line, "bash", ...words], {
    env: sandbox.environment(),
    encoding: "utf8",
  });
  return { status, stdout, stderr, isMade: existsSync(join(sandbox.path(store), "config")) };
}

test.each([[[]], [["--quiet"]], [["--json"]]])(
  "no store is made where the disk for the output is full: %j",
  (options) => {
    const { status, stderr, isMade } = create(`full${options.join("")}`, ">/dev/full", ...options);
    expect({ status, isMade }).toEqual({ status: 69, isMade: false });
    expect(stderr).toContain("warning: No store was made: its recovery key could not be shown.\n");
  },
);

test.each([[[]], [["--quiet"]], [["--json"]]])("no store is made where nobody reads the output: %j", (options) => {
  const { status, stderr, isMade } = create(`pipe${options.join("")}`, "| true", ...options);
  expect({ status, stderr, isMade }).toEqual({
    status: 130,
    stderr: "warning: No store was made: its recovery key could not be shown.\n",
    isMade: false,
  });
});

test("after that the same line makes a store, and its first key slots do no harm", async () => {
  const at = ["at", sandbox.path("full")];
  const recovery = /^ {2}(\S+)$/m.exec(await sandbox.do([...at, "create"]))?.[1];
  expect(await sandbox.do([...at, "key", "list"])).toMatch(/^.*\n.*\n$/);
  await sandbox.do([...at, "ls"], { env: { HOLDFAST_PASSPHRASE: recovery } });
});

test.each([
  [">&-", []],
  [">/dev/null", []],
  [">&-", ["--json"]],
] as const)(
  "a store whose recovery key was thrown away (create %s %j) says so, and how to get another",
  (output, options) => {
    const { status, stderr, isMade } = create(
      `away${output.replaceAll("/", "")}${options.join("")}`,
      output,
      ...options,
    );
    expect({ status, isMade }).toEqual({ status: 0, isMade: true });
    expect(stderr).toMatch(/^warning: Nobody saw the recovery key: .*`holdfast key recovery --out FILE`\.\n$/);
  },
);

test("no store is made where the file for the recovery key is there", async () => {
  const file = sandbox.path("taken.txt");
  writeFileSync(file, "mine");
  const { status, stdout } = await sandbox.run(["at", sandbox.path("taken"), "create", "--recovery-key-file", file]);
  expect({ status, stdout, content: readFileSync(file, "utf8") }).toEqual({ status: 75, stdout: "", content: "mine" });
  expect(readdirSync(sandbox.path("taken"))).not.toContain("config");
});

test("with --json the key comes before the store", async () => {
  const { events } = await sandbox.events(["at", sandbox.path("json"), "create"]);
  expect(events).toMatchObject([{ event: "recoveryKey" }, { event: "store", encrypted: true }]);
  expect(events[0]?.["recoveryKey"]).toBe(events[1]?.["recoveryKey"]);
  expect(events[0]?.["storeId"]).toBe(events[1]?.["storeId"]);
});
