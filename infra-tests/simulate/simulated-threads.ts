import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";
import type { Random } from "#shared/random.ts";

type Port = {
  on(event: "message", handler: (message: unknown) => void): void;
  postMessage(message: unknown): void;
};
/** A worker module as a function: each call of it is a thread of its own. */
type Body = (
  imported: readonly Record<string, unknown>[],
  threads: { readonly parentPort: Port; readonly workerData: unknown },
  load: (name: string) => unknown,
) => Promise<void>;
type Program = { readonly body: Body; readonly imported: readonly Record<string, unknown>[] };

const programs = new Map<string, Program>();
const contents = new Map<string, unknown>();
let random: Random | undefined;

/** Says whose randomness the threads use from now on. */
export function drawFrom(source: Random): void {
  random = source;
}

/**
 * Makes worker modules ready to run as simulated threads, and the content modules that they load: from then on to start a thread takes no
 * time but that of promises.
 *
 * The text of the module becomes the body of an async function, its imports the parameters: the code is the real one, and every thread has
 * variables of its own.
 */
export async function prepareThreads(workers: readonly URL[], contentModules: readonly URL[]): Promise<void> {
  for (const url of contentModules) contents.set(url.href, await import(url.href));
  for (const url of workers) programs.set(url.href, await compile(url));
}

async function compile(url: URL): Promise<Program> {
  const text = stripTypeScriptTypes(readFileSync(fileURLToPath(url), "utf8"));
  const imported: Record<string, unknown>[] = [];
  const lines: string[] = [];
  const importLine = /^import\s+(?:type\s+)?(\{[^}]*\})\s+from\s+"([^"]+)";/gms;
  let rest = text;
  for (const [whole, names = "", from = ""] of text.matchAll(importLine)) {
    rest = rest.replace(whole, "");
    const pattern = names.replaceAll(/\btype\s+\w+\s*,?/g, "").replaceAll(" as ", ": ");
    if (from === "node:worker_threads") lines.push(`const ${pattern} = threads;`);
    else {
      const module: Record<string, unknown> = await import(from.startsWith(".") ? new URL(from, url).href : from);
      const isRandom = from.endsWith("/random.ts");
      lines.push(`const ${pattern} = imported[${imported.length}];`);
      imported.push(isRandom ? { ...module, systemRandom: (lengthBytes: number) => draw(lengthBytes) } : module);
    }
  }
  if (/^import\b/m.test(rest)) throw new Error(`${url.href} has an import that is not understood`);
  const code = [...lines, rest.replaceAll(/\bimport\(/g, "load("), `//# sourceURL=${url.href}`].join("\n");
  // oxlint-disable-next-line typescript/no-implied-eval, no-new-func -- the one way to run a module more than once without keeping each run
  const body = new Function("imported", "threads", "load", `return (async () => {${code}\n})();`) as Body;
  return { body, imported };
}

function draw(lengthBytes: number): Uint8Array {
  if (random === undefined) throw new Error("nobody said whose randomness threads use");
  return random(lengthBytes);
}

function contentModule(name: string): unknown {
  const found = contents.get(name);
  if (found === undefined) throw new Error(`there is no content module ${name}`);
  return found;
}

/** As `Worker` of `node:worker_threads`: a thread that runs in this one. Messages arrive by promises, in order. */
export class Worker extends EventEmitter {
  readonly #handlers: ((message: unknown) => void)[] = [];
  readonly #ready: Promise<void>;
  #isOver = false;

  constructor(url: URL, options: { readonly workerData: unknown }) {
    super();
    const program = programs.get(url.href);
    if (program === undefined) throw new Error(`there is no simulated thread for ${url.href}`);
    const parentPort: Port = {
      on: (_event, handler) => void this.#handlers.push(handler),
      postMessage: (message) => this.#later(() => this.emit("message", message)),
    };
    this.#ready = program.body(program.imported, { parentPort, workerData: options.workerData }, contentModule);
    this.#ready.catch((error: unknown) => this.#later(() => this.emit("error", error)));
  }

  /** Sends a message to the thread. Nothing is copied: sender and thread do not both go on using it. */
  postMessage(message: unknown): void {
    void this.#ready.then(
      () =>
        this.#later(() => {
          try {
            for (const handler of this.#handlers) handler(message);
          } catch (error) {
            this.emit("error", error);
          }
        }),
      () => undefined,
    );
  }

  /** Ends the thread: it says nothing any more. */
  async terminate(): Promise<number> {
    this.#isOver = true;
    return 0;
  }

  #later(deliver: () => void): void {
    void Promise.resolve().then(() => {
      if (!this.#isOver) deliver();
    });
  }
}
