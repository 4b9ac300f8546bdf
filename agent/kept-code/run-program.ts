import { readFileSync } from "node:fs";
import { createRequire, getCompileCacheDir } from "node:module";
import { dirname, join } from "node:path";
import { Script } from "node:vm";
import { fileIdentity, type KeptCode, readKeptCode, writeKeptCode } from "./kept-code.ts";
import { keepCodeAtEnd } from "./keep-code-at-end.ts";

/** Runs of a command that keep their code: the first often does other work than those after it. */
const keepingRuns = 2;

/**
 * Runs a program that is one file of CommonJS and has no `import()`, with what an earlier run of the same command kept of its compiled code.
 *
 * Node keeps compiled code as well, but of a module as it is before it runs: every function is then parsed again when it is called first, and
 * that took a tenth of a short run.
 *
 * @param path - the file
 * @param name - of the command, or whatever else has functions of its own
 */
export function runProgram(path: string, name: string): void {
  const source = readFileSync(path, "latin1");
  const place = keptCodePlace(path, name);
  const kept = place === undefined ? undefined : readKeptCode(place.path, place.identity);
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: path,
    ...(kept === undefined ? {} : { cachedData: kept.code }),
  });
  const generation = kept === undefined || script.cachedDataRejected === true ? 0 : kept.generation;
  if (place !== undefined && generation < keepingRuns) {
    keepCodeAtEnd(() => {
      const code: KeptCode = { generation: generation + 1, code: script.createCachedData() };
      writeKeptCode(place.path, place.identity, code);
    });
  }
  const run = script.runInThisContext() as (...names: unknown[]) => void;
  const module = { exports: {} };
  run.call(module.exports, module.exports, createRequire(path), module, path, dirname(path));
}

/** Beside what Node keeps, in a directory for this version of Node that only this user can write to; undefined where that is switched off. */
function keptCodePlace(path: string, name: string): { readonly path: string; readonly identity: string } | undefined {
  const directory = getCompileCacheDir();
  if (directory === undefined) return undefined;
  try {
    return { path: join(directory, `holdfast-${name}`), identity: fileIdentity(path) };
  } catch {
    return undefined;
  }
}
