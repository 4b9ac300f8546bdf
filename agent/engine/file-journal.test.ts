import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { sha256 } from "#shared/crypto/sha256.ts";
import { idFromBytes } from "#shared/format/ids.ts";
import type { JournalRecord } from "#shared/operations/backup/journal.ts";
import { silentReporter } from "#shared/operations/progress.ts";
import { openFileJournal } from "./file-journal.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "holdfast-journal-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const record = (number: number): JournalRecord => ({
  packId: idFromBytes("pack", sha256(Buffer.from(`pack ${number}`))),
  kind: number % 2 === 0 ? "data" : "meta",
  sizeBytes: 1000 + number,
  sessionId: new Uint8Array(16).fill(number),
  envelope: new Uint8Array(80).fill(number),
});
const open = () => openFileJournal(directory, silentReporter);
const files = (): string[] => readdirSync(directory);

/** The number of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn("true");
  const { pid } = child;
  await new Promise((resolve) => child.on("exit", resolve));
  return pid ?? expect.fail("no process");
}

it("an interrupted run's records are the next one's, once, until that is published", async () => {
  const first = open();
  expect(first.left).toEqual([]);
  first.add(record(1));
  first.add(record(2));
  first.close();
  const second = open();
  expect(second.left).toEqual([record(1), record(2)]);
  second.add(record(3));
  second.close();
  const third = open();
  expect(third.left.toSorted((left, right) => left.sizeBytes - right.sizeBytes)).toEqual([
    record(1),
    record(2),
    record(3),
  ]);
  third.add(record(4));
  third.clear();
  expect(files()).toEqual([]);
  expect(open().left).toEqual([]);
});

it("a run without packs leaves no file", () => {
  const journal = open();
  journal.clear();
  journal.close();
  expect(files()).toEqual([]);
});

it("a journal that is being written by this process is not taken over", () => {
  const first = open();
  first.add(record(1));
  const second = open();
  expect(second.left).toEqual([]);
  second.add(record(2));
  second.clear();
  first.add(record(3));
  expect(files()).toHaveLength(1);
  first.clear();
  expect(files()).toEqual([]);
});

it("what a run took over is not taken from it", () => {
  const first = open();
  first.add(record(1));
  first.close();
  const second = open();
  expect(second.left).toHaveLength(1);
  expect(open().left).toEqual([]);
  second.close();
  expect(open().left).toHaveLength(1);
});

it("the journal of a dead process is taken over, that of a living one is not", async () => {
  open().add(record(1));
  const [name = ""] = files();
  const line = readFileSync(join(directory, name));
  rmSync(join(directory, name));
  const living = spawn("sleep", ["60"]);
  try {
    writeFileSync(join(directory, `${await deadPid()}-000000000000.journal`), line);
    writeFileSync(join(directory, `${living.pid}-000000000000.journal`), line);
    // Process 1 is another's, so that it cannot be signalled, or at least lives.
    writeFileSync(join(directory, "1-000000000000.journal"), line);
    expect(open().left).toEqual([record(1)]);
    expect(files()).toContain(`${living.pid}-000000000000.journal`);
    expect(files()).toContain("1-000000000000.journal");
  } finally {
    living.kill();
  }
});

it("a last line that was cut short, and what is no record, is passed over", async () => {
  const journal = open();
  for (let number = 0; number < 3; number++) journal.add(record(number));
  journal.close();
  const [name = ""] = files();
  const text = readFileSync(join(directory, name), "utf8");
  const end = text.trimEnd().lastIndexOf("\n");
  const pid = await deadPid();
  for (let cut = end + 1; cut < text.length - 2; cut += 17) {
    rmSync(directory, { recursive: true });
    mkdirSync(directory);
    writeFileSync(join(directory, `${pid}-aaaaaaaaaaaa.journal`), text.slice(0, cut));
    expect(open().left).toEqual([record(0), record(1)]);
    for (const each of files()) rmSync(join(directory, each));
  }
  const [first = "", second = ""] = text.split("\n");
  const odd = [
    "null",
    "[]",
    "{}",
    '{"pack":1}',
    first.replace('"data"', '"else"'),
    first.replace(/"pack":"../, '"pack":"zz'),
    "",
    second,
  ];
  writeFileSync(join(directory, `${pid}-bbbbbbbbbbbb.journal`), odd.join("\n"));
  writeFileSync(join(directory, "a file that is no journal"), first);
  expect(open().left).toEqual([record(1)]);
});

it("a journal that another removed meanwhile does not turn success into failure", () => {
  const first = open();
  first.add(record(1));
  first.close();
  const second = open();
  second.add(record(2));
  for (const name of files()) rmSync(join(directory, name));
  expect(() => second.clear()).not.toThrow();
});

it("where no journal can be kept the run goes on, and it is told once", () => {
  const inTheWay = join(directory, "a file");
  writeFileSync(inTheWay, "");
  const told: string[] = [];
  const journal = openFileJournal(join(inTheWay, "below"), { notice: ({ message }) => told.push(message) });
  journal.add(record(1));
  journal.add(record(2));
  journal.clear();
  journal.close();
  expect(journal.left).toEqual([]);
  expect(told).toHaveLength(1);
});

it("of several processes that open at once, one gets what was left", async () => {
  const journal = open();
  for (let number = 0; number < 5; number++) journal.add(record(number));
  journal.close();
  const [name = ""] = files();
  const line = readFileSync(join(directory, name));
  rmSync(join(directory, name));
  writeFileSync(join(directory, `${await deadPid()}-000000000000.journal`), line);
  const program = `
    const { openFileJournal } = await import(${JSON.stringify(fileURLToPath(new URL("./file-journal.ts", import.meta.url)))});
    const journal = openFileJournal(process.argv[1], { notice() {} });
    process.stdout.write(journal.left.length + "\\n");
    process.stdin.resume().on("data", () => process.exit());`;
  const children = Array.from({ length: 3 }, () =>
    spawn(process.execPath, ["--input-type=module", "-e", program, directory], { cwd: process.cwd() }),
  );
  const counts = await Promise.all(
    children.map(
      (child) =>
        new Promise<number>((resolve) => child.stdout.on("data", (data: Buffer) => resolve(Number(data.toString())))),
    ),
  );
  for (const child of children) child.stdin.write("end\n");
  await Promise.all(children.map((child) => new Promise((resolve) => child.on("exit", resolve))));
  expect(counts.toSorted((left, right) => left - right)).toEqual([0, 0, 5]);
});
