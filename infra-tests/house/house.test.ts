import { expect, test } from "vitest";
import { errorsTable } from "#agent/render/errors-text.ts";
import { fileLinesMax, longFiles, rooms } from "./rooms.ts";
import { type SourceFile, sourceFiles } from "./source-files.ts";
import { rules } from "./violations.ts";

const code = sourceFiles("{shared,agent,functions,gateway,cdk,infra-tests}/**/*.{ts,js}")
  .filter(({ path }) => !path.startsWith("infra-tests/house/") && !path.endsWith(".as.ts"))
  .map(withoutComments);

/** The file without its comments, line for line; strings that contain `//` stay whole. */
function withoutComments(file: SourceFile): SourceFile {
  const text = file.text.replace(
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g,
    (match, string: string | undefined) => string ?? match.replaceAll(/[^\n]/g, ""),
  );
  return { path: file.path, text };
}

test.each(Object.entries(rules))("%s", (_, rule) => {
  expect(code.flatMap((file) => rule(file).map((violation) => `${file.path} ${violation}`))).toEqual([]);
});

/** For each rule a file that breaks it: a rule that lets it pass checks nothing. */
const planted: Readonly<Record<string, readonly [path: string, text: string]>> = {
  "a house enters only the houses it may": ["agent/x.ts", 'import {\n  a,\n} from "#gateway/a.ts";'],
  "a room of shared enters only the rooms it may": [
    "shared/format/x.ts",
    'const a = await import("#shared/store/store.ts");',
  ],
  "shared reaches the outside in store adapters only": ["shared/log/x.ts", 'import type { Stats } from "node:fs";'],
  "built-in modules are written with node:": ["agent/x.ts", 'import fs from "fs";'],
  "imports do not climb, and name the file they mean": ["agent/a/x.ts", 'export { a } from "../b.ts";'],
  "files are named in kebab-case, after what is in them": ["agent/string-utils.ts", ""],
  "there are no barrels": ["agent/x.ts", 'export * from "./y.ts";'],
  "the environment is read in the wiring only": ["shared/store/x.ts", "const home = process.env.HOME;"],
  "the process is ended in one place": ["agent/commands/x.ts", "process.exit(1);"],
  "shared asks ports for time and randomness": ["shared/log/x.ts", "const now = Date.now();"],
  [`no file but tests has more than ${fileLinesMax} lines`]: ["agent/x.ts", "\n".repeat(fileLinesMax + 1)],
};

test.each(Object.entries(rules))("a planted fault is found: %s", (name, rule) => {
  const [path, text] = planted[name]!;
  expect(rule({ path, text })).not.toEqual([]);
});

test("rooms stand on one another and never in a circle", () => {
  const below = (room: string, path: readonly string[]): readonly string[] =>
    path.includes(room)
      ? [`${path.join(" > ")} > ${room}`]
      : (rooms[room] ?? []).flatMap((next) => below(next, [...path, room]));
  expect(Object.keys(rooms).flatMap((room) => below(room, []))).toEqual([]);
});

test("the list of long files holds no file that is short enough by now", () => {
  const lengths = new Map(code.map(({ path, text }) => [path, text.split("\n").length - 1]));
  expect(Object.keys(longFiles).filter((path) => (lengths.get(path) ?? 0) <= fileLinesMax)).toEqual([]);
});

test("README shows the one table of exit codes", () => {
  const [readme] = sourceFiles("README.md");
  expect(readme?.text ?? "there is no README.md").toContain(errorsTable());
});

test("nothing names the machine or the workplace that it was written on", () => {
  const workplace =
    /(?<![\w#.])\/work\/|\b(?:claude|anthropic|openai|copilot|chatgpt)\b|\b(?:agent|coding) sessions?\b|\bverdaccio\b|artifactory/i;
  const texts = sourceFiles(
    "{*,.github/**/*,.ci/*,shared/**/*,agent/**/*,functions/**/*,gateway/**/*,cdk/**/*,infra-tests/**/*}.{md,ts,js,json,sh,yml}",
  );
  const lines = [...texts, ...sourceFiles(".ci/run")]
    .filter(({ path }) => !path.startsWith("infra-tests/house/") && path !== "package-lock.json")
    .flatMap(({ path, text }) => text.split("\n").map((line, index) => ({ where: `${path}:${index + 1}`, line })));
  expect(lines.filter(({ line }) => workplace.test(line)).map(({ where, line }) => `${where} ${line.trim()}`)).toEqual(
    [],
  );
});

test("the lockfile names no registry but the public one", () => {
  const [lock] = sourceFiles("package-lock.json");
  const hosts = Array.from(lock!.text.matchAll(/"resolved": "(https?:\/\/[^/]+)/g), ([, host]) => host!);
  expect(hosts.filter((host) => host !== "https://registry.npmjs.org")).toEqual([]);
});
