import { parseArgs } from "node:util";
import { mutants } from "./mutants.ts";
import { namedWeathers } from "./weather.ts";
import { installStandIns } from "./stand-ins.ts";

/**
 * `npm run simulate -- --seeds 1000 --seed 1`: lets so many worlds happen, from that seed on, and ends with 1, the seed and the end of the trace
 * where a promise is broken. The same seed gives the same world again; `--trace` writes down all that happens in it.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    steps: { type: "string", default: "800" },
    mutant: { type: "string" },
    weather: { type: "string" },
    trace: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const mutant = values.mutant === undefined ? undefined : mutants[values.mutant];
const weather = values.weather ?? mutant?.weather ?? "";
if (values.mutant !== undefined && mutant === undefined) {
  process.stderr.write(`There is no mutant ${values.mutant}: there are ${Object.keys(mutants).join(", ")}\n`);
  process.exitCode = 64;
} else if (weather !== "" && !Object.hasOwn(namedWeathers, weather)) {
  process.stderr.write(`There is no weather ${weather}: there are ${Object.keys(namedWeathers).join(", ")}\n`);
  process.exitCode = 64;
} else {
  installStandIns(mutant?.mutations);
  const { simulate } = await import("./simulate-worlds.ts");
  const broken = await simulate({
    firstSeed: Number(values.seed),
    seeds: Number(values.seeds),
    steps: Number(values.steps),
    weather: namedWeathers[weather as keyof typeof namedWeathers] ?? {},
    trace: values.trace,
    json: values.json,
    write: (text) => void process.stdout.write(text),
  });
  if (broken) process.exitCode = 1;
}
