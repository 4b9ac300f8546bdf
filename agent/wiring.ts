import { homedir } from "node:os";
import { absolutePath } from "#agent/arguments/absolute-path.ts";
import type { CommandContext } from "#agent/commands/command.ts";
import type { Engine } from "#agent/commands/engine.ts";
import type { GlobalValues } from "#agent/commands/global-options.ts";
import { type Environment, readEnvironment } from "#agent/config/environment.ts";
import type { SecretSources } from "#agent/config/read-secret.ts";
import type { Renderer } from "#agent/render/renderer.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { StoreLocation } from "#shared/store/store-location.ts";

/** What one run of the agent is made of. */
export type Wiring = {
  readonly environment: Environment;
  /** Where this run's secret may come from. */
  secretSources(globals: GlobalValues, options: { readonly isInputTaken: boolean }): SecretSources;
  /** The operations on the store of this run. @throws {HoldfastError} invalid: no store was named */
  engine(run: EngineRun): Promise<Engine>;
};

/** What an engine is bound to. */
export type EngineRun = Pick<CommandContext<never>, "globals" | "signal" | "secretSources"> & {
  readonly renderer: Renderer;
  /** What followed `at`, if anything did. */
  readonly store: string | undefined;
};

/** Reads the environment, once, and says how the parts of the agent come together. */
export function wire(variables: NodeJS.ProcessEnv): Wiring {
  const environment = readEnvironment(variables, homeDirectory);
  return {
    environment,
    secretSources: (globals, { isInputTaken }) => ({
      isInputTaken,
      keyfile: globals.keyfile,
      passphraseCommand: globals["passphrase-command"],
      passphrase: environment.passphrase,
      terminal: async () => (await import("#agent/config/controlling-terminal.ts")).controllingTerminal(),
    }),
    async engine({ globals, store, signal, secretSources, renderer }) {
      const location = store ?? environment.store;
      if (location === undefined) {
        throw new HoldfastError("invalid", "Cannot tell which store is meant: none is named", {
          hint: "Write `holdfast at STORE COMMAND`, or set HOLDFAST_STORE.",
        });
      }
      const [{ openStore }, { parseStoreLocation }, { directories }, { storeEngine }, { Patience }] = await Promise.all(
        [
          import("#shared/store/open-store.ts"),
          import("#shared/store/store-location.ts"),
          import("#agent/config/directories.ts"),
          import("#agent/engine/store-engine.ts"),
          import("#agent/engine/patience.ts"),
        ],
      );
      const parsed = asKernelSees(parseStoreLocation(location));
      return storeEngine({
        store: await openStore(parsed, { proxies: environment.proxies }),
        storeDirectory: parsed.kind === "directory" ? absolutePath(parsed.path) : undefined,
        bucket: parsed.kind === "s3" ? [parsed.endpoint ?? "AWS", parsed.bucket, parsed.prefix].join(" ") : undefined,
        storageClass:
          parsed.kind === "s3" && parsed.endpoint === undefined ? (parsed.storageClass ?? "STANDARD") : undefined,
        directories: directories(environment, globals["cache-dir"]),
        useCache: !globals["no-cache"],
        acceptRollback: globals["accept-rollback"],
        concurrency: globals.concurrency,
        patience: new Patience(globals["retry-for"]),
        secretSources,
        reporter: renderer,
        signal,
        startGateway: async (start) => (await import("#gateway/start-gateway.ts")).startGateway(start),
        mountAccess: environment.mountAccess,
        settleMs: environment.settleMs,
      });
    },
  };
}

/** A store's directory as the kernel finds it: `..` after a symlink is not the directory that the link is in. */
function asKernelSees(location: StoreLocation): StoreLocation {
  if (location.kind !== "directory" || !location.path.split("/").includes("..")) return location;
  return { ...location, path: absolutePath(location.path) };
}

/** The home of this user; a place that is not there for a user whom the system does not know, as in containers. */
function homeDirectory(): string {
  try {
    return homedir();
  } catch {
    return "/nonexistent";
  }
}
