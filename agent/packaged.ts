import { fileURLToPath } from "node:url";
import { isCommandName } from "#agent/commands/command-names.ts";
import { runProgram } from "#agent/kept-code/run-program.ts";

/* The beginning of the installed program. `main.cjs` is `main.ts` with all that it imports. */
const command = process.argv.slice(2).find(isCommandName);
runProgram(fileURLToPath(new URL("main.cjs", import.meta.url)), command ?? "none");
