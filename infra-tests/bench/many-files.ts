import { resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { makeSmallFiles } from "./make-small-files.ts";

/** Makes a tree of many small files: `node infra-tests/bench/many-files.ts <directory> [--files N] [--flat] [--seed N]`. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    files: { type: "string", default: "1000000" },
    flat: { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
  },
});
const [target] = positionals;
const files = Number(values.files);
const seed = Number(values.seed);
if (target === undefined || positionals.length > 1 || !Number.isInteger(files) || !Number.isInteger(seed)) {
  process.stderr.write("many-files.ts <directory> [--files 1000000] [--flat] [--seed 1]\n");
  process.exitCode = 64;
} else {
  const start = performance.now();
  const directory = resolve(target);
  const perDirectory = values.flat ? Infinity : 1000;
  const totalBytes = makeSmallFiles({ directory, files, perDirectory, seed });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stdout.write(`${directory}: ${files} files, ${totalBytes} bytes, seed ${seed}, in ${seconds} s\n`);
}
