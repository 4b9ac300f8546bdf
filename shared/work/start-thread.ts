import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { Worker, type WorkerOptions } from "node:worker_threads";
import { closeGate, closeGateAndWait, withGate, type NativeCodeGate } from "./native-code.ts";

const gates = new Map<Worker, NativeCodeGate>();
const pollMs = 2;
/** Loading takes some 10 ms; what hangs (a lost network filesystem) must not keep a process for ever. */
const longestLoadMs = 5000;

/**
 * Starts a thread that runs the module at `url`. Every thread of the program is started here, and ended by `endThread`.
 *
 * Where the sources run unbuilt, each thread takes the types out of its modules with a WebAssembly module of Node's own, which calls
 * out so often that V8 compiles the call. Two threads that do so at once can end the process: V8 frees such code wrongly
 * ("Check failed: jit_page.has_value()", a trap; Node 24, https://github.com/nodejs/node/issues/64500). So V8 is told not to.
 * Threads of the built package do not come there, and keep what V8 does by itself.
 */
export function startThread(url: URL, options?: WorkerOptions): Worker {
  if (url.pathname.endsWith(".ts")) setFlagsFromString("--wasm-wrapper-tiering-budget=2147483647");
  const { thread, gate } = withGate(() => new Worker(url, options));
  gates.set(thread, gate);
  thread.once("exit", () => gates.delete(thread));
  return thread;
}

/** Ends a thread, as soon as it is not loading native code. */
export async function endThread(thread: Worker): Promise<void> {
  const gate = gates.get(thread);
  const untilMs = performance.now() + longestLoadMs;
  while (gate !== undefined && !closeGate(gate) && performance.now() < untilMs) await setTimeout(pollMs);
  await thread.terminate();
  gates.delete(thread);
}

/** To be called before `process.exit`, which ends the threads that run: waits until none is loading native code. */
export function keepThreadsFromLoading(): void {
  for (const gate of gates.values()) closeGateAndWait(gate, longestLoadMs);
}
