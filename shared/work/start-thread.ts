import { setFlagsFromString } from "node:v8";
import { Worker, type WorkerOptions } from "node:worker_threads";

/**
 * Starts a thread that runs the module at `url`. Every thread of the program is started here.
 *
 * Where the sources run unbuilt, each thread takes the types out of its modules with a WebAssembly module of Node's own, which calls
 * out so often that V8 compiles the call. Two threads that do so at once can end the process: V8 frees such code wrongly
 * ("Check failed: jit_page.has_value()", a trap; Node 24, https://github.com/nodejs/node/issues/64500). So V8 is told not to.
 * Threads of the built package do not come there, and keep what V8 does by itself.
 */
export function startThread(url: URL, options?: WorkerOptions): Worker {
  if (url.pathname.endsWith(".ts")) setFlagsFromString("--wasm-wrapper-tiering-budget=2147483647");
  return new Worker(url, options);
}
