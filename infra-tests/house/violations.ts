import { builtinModules } from "node:module";
import {
  environmentAllowed,
  exitAllowed,
  fileLinesMax,
  houseDoors,
  houses,
  longFiles,
  openToAll,
  outsideAllowed,
  outsideModules,
  rooms,
} from "./rooms.ts";
import { importsOf, isTestFile, type SourceFile } from "./source-files.ts";

const drawers =
  /\/(index|types)\.ts$|[/-](utils?|helpers?|common|misc|manager|service)(\.[a-z]+)?\.ts$|\/(utils?|helpers?|common|misc)\//;
const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|conformance|fixtures|testing|as))?\.(ts|js)$/;
const startsWithOneOf = (path: string, beginnings: readonly string[]) =>
  beginnings.some((each) => path.startsWith(each));

/** Each rule of the house: what it says, and what breaks it in a file. Comments of the code are not code: strip them first. */
export const rules: Readonly<Record<string, (file: SourceFile) => readonly string[]>> = {
  "a house enters only the houses it may": (file) => {
    const house = file.path.split("/")[0]!;
    return importsOf(file)
      .filter((to) => to.startsWith("#") && !(houses[house] ?? []).includes(to.slice(1).split("/")[0]!))
      .filter((to) => !(houseDoors[file.path] ?? []).includes(to.slice(1)))
      .map((to) => `enters ${to}`);
  },

  "a room of shared enters only the rooms it may": (file) => {
    const [house, room = ""] = file.path.split("/");
    if (house !== "shared" || isTestFile(file.path) || room.endsWith(".ts")) return [];
    const open = rooms[room];
    if (open === undefined) return [`is in a room that rooms.ts does not know: ${room}`];
    return importsOf(file)
      .filter((to) => to.startsWith("#shared/"))
      .filter((to) => ![room, ...openToAll, ...open].includes(to.split("/")[1]!))
      .map((to) => `enters ${to}`);
  },

  "shared reaches the outside in store adapters only": (file) => {
    if (!file.path.startsWith("shared/") || isTestFile(file.path) || startsWithOneOf(file.path, outsideAllowed))
      return [];
    return importsOf(file)
      .filter((to) => outsideModules.includes(to.replace(/^node:/, "")))
      .map((to) => `imports ${to}`);
  },

  "built-in modules are written with node:": (file) =>
    file.path.endsWith(".js")
      ? []
      : importsOf(file)
          .filter((to) => builtinModules.includes(to))
          .map((to) => `imports ${to}`),

  "imports do not climb, and name the file they mean": (file) =>
    importsOf(file)
      .filter((to) => to.startsWith("../") || (/^[.#]/.test(to) && !/\.(ts|js|json)$/.test(to)))
      .map((to) => `imports ${to}`),

  "files are named in kebab-case, after what is in them": (file) => {
    const name = file.path.split("/").at(-1) ?? "";
    return [
      ...(kebabCase.test(name) ? [] : ["is not in kebab-case"]),
      ...(drawers.test(file.path) ? ["is a drawer: name it after what is in it"] : []),
    ];
  },

  "there are no barrels": (file) =>
    Array.from(
      file.text.matchAll(/^export\s+(?:type\s+)?(?:\*|\{[^}]*\})\s*(?:as \w+ )?from\b.*$/gm),
      ([line]) => `hands on: ${line}`,
    ),

  "the environment is read in the wiring only": (file) =>
    isTestFile(file.path) || startsWithOneOf(file.path, environmentAllowed) || !/\bprocess\s*\.\s*env\b/.test(file.text)
      ? []
      : ["reads process.env"],

  "the process is ended in one place": (file) =>
    exitAllowed.includes(file.path) ||
    file.path.endsWith(".test.ts") ||
    !/\bprocess\s*\.\s*(exit|abort|reallyExit)\s*\(/.test(file.text)
      ? []
      : ["ends the process"],

  "shared asks ports for time and randomness": (file) => {
    if (!file.path.startsWith("shared/") || isTestFile(file.path) || /^shared\/[a-z-]+\.ts$/.test(file.path)) return [];
    return Array.from(
      file.text.matchAll(/\b(Date\.now|new Date\(\)|Math\.random|randomBytes|randomFillSync)\b/g),
      ([what]) => `uses ${what}`,
    );
  },

  [`no file but tests has more than ${fileLinesMax} lines`]: (file) => {
    const lines = file.text.split("\n").length - 1;
    const max = longFiles[file.path] ?? fileLinesMax;
    return /\.(test|conformance)\.ts$/.test(file.path) || lines <= max ? [] : [`has ${lines} lines`];
  },
};
