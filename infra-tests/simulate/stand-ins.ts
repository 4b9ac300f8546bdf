import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

/** A change to the text of a module of the program, to see whether somebody notices. */
export type Mutation = {
  /** The end of the module's path, such as `shared/log/rules/check-sweep.ts`. */
  readonly module: string;
  readonly find: string | RegExp;
  readonly replace: string;
};

const room = pathToFileURL(`${import.meta.dirname}/`);
const root = pathToFileURL(`${import.meta.dirname.slice(0, import.meta.dirname.lastIndexOf("/infra-tests/"))}/`);

/** What stands in for what is neither deterministic nor to the point, by the module that is replaced. */
const standIns: Readonly<Record<string, string>> = {
  "shared/crypto/hpke.ts": "stand-in-hpke.ts",
  "shared/crypto/hpke-key-pair.ts": "stand-in-hpke-key-pair.ts",
  "shared/crypto/mac.ts": "stand-in-mac.ts",
  "shared/crypto/signing.ts": "stand-in-signing.ts",
  "shared/work/collect-garbage.ts": "stand-in-collect-garbage.ts",
};

/**
 * Makes the modules that are imported from now on fit for a world of virtual time: worker threads run in this thread (`simulated-threads.ts`),
 * session keys are sealed without the randomness and the threads of WebCrypto, signatures
 * and the names of blobs are plain hashes, and nobody collects garbage by hand. All else is the program as
 * it is; `mutations` change it on purpose.
 *
 * @throws {Error} when such a module is imported and does not contain what is to be changed
 */
export function installStandIns(mutations: readonly Mutation[] = []): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      if (specifier === "node:worker_threads" && context.parentURL?.endsWith("/shared/work/start-thread.ts") === true)
        return { url: new URL("simulated-threads.ts", room).href, shortCircuit: true, format: "module-typescript" };
      const resolved = nextResolve(specifier, context);
      for (const [module, standIn] of Object.entries(standIns)) {
        if (resolved.url === new URL(module, root).href) return { ...resolved, url: new URL(standIn, room).href };
      }
      return resolved;
    },
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const own = mutations.filter((each) => url.endsWith(each.module));
      if (own.length === 0) return loaded;
      const { source } = loaded;
      let text = typeof source === "string" ? source : new TextDecoder().decode(source);
      for (const { find, replace, module } of own) {
        const changed = text.replace(find, replace);
        if (changed === text) throw new Error(`${module} does not contain ${String(find)}`);
        text = changed;
      }
      return { ...loaded, source: text };
    },
  });
}
