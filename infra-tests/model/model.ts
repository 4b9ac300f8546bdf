import { parseArgs } from "node:util";
import { ProtocolModel } from "./protocol-model.ts";

/**
 * `npm run model -- --entries 5 --runs 2 --copies 1`: explores the protocol of the log within larger bounds than the tests, tells how many states
 * there are, and ends with 1 and the shortest way to what is broken, if anything is.
 */
const { values } = parseArgs({
  options: {
    entries: { type: "string", default: "4" },
    runs: { type: "string", default: "2" },
    copies: { type: "string", default: "1" },
    wants: { type: "string", default: "bc,ac" },
    limit: { type: "string", default: "20000000" },
    faults: { type: "boolean", default: false },
  },
});
const bounds = {
  entries: Number(values.entries),
  runs: Number(values.runs),
  copies: Number(values.copies),
  wants: values.wants.split(","),
};
const faults = values.faults ? { lostPuts: true, wrongCopies: true, restage: true } : {};
const began = performance.now();
const found = new ProtocolModel({ bounds, faults }).explore(Number(values.limit));
const seconds = ((performance.now() - began) / 1000).toFixed(1);
const { states, steps, depth, logs, complete, violation } = found;
process.stdout.write(
  `${JSON.stringify(bounds)}: ${states} states, ${logs} logs, ${steps} steps, depth ${depth}, ${complete ? "complete" : "not complete"}, ${seconds} s\n`,
);
if (violation !== undefined) {
  process.stdout.write(`broken: ${violation.broken}\n${violation.path.map((each) => `  ${each}\n`).join("")}`);
  process.exitCode = 1;
}
