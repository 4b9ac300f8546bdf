import { flushCompileCache } from "node:module";
import { keepCode } from "#agent/kept-code/keep-code-at-end.ts";
import { libc } from "#agent/filesystem/libc.ts";
import { keepThreadsFromLoading } from "#shared/work/start-thread.ts";

/**
 * Ends the process at once. What is to be written must have been.
 *
 * By `_exit` of the C library, for `process.exit` may never return: it waits for V8's own threads, and one of them may be waiting for
 * this one to collect garbage (https://github.com/nodejs/node/issues/54918; shared/decisions/0021).
 */
export function endProcess(exitCode: number): never {
  if (!writesProfile()) {
    const system = libc();
    flushCompileCache();
    keepCode();
    system?.exit(exitCode);
  }
  keepThreadsFromLoading();
  process.exit(exitCode);
}

/** Whether Node was asked to write what it measured, which it does when the process ends in its own way. */
function writesProfile(): boolean {
  const options = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" ");
  return options.includes("-prof") || process.env["NODE_V8_COVERAGE"] !== undefined;
}
