import { join } from "node:path";
import type { Environment } from "./environment.ts";

/** Where the agent keeps files of its own. Both directories are private (0700) and made on first use. */
export type Directories = {
  /** Rebuildable at any time: indexes, trees. Never the truth. */
  readonly cache: string;
  /** Not rebuildable: the agent's identity, journals of interrupted backups. */
  readonly data: string;
};

/** The directories by the XDG base directory specification; `cacheDir` (`--cache-dir`) replaces the cache's. */
export function directories(environment: Environment, cacheDir?: string): Directories {
  return {
    cache: cacheDir ?? join(environment.xdgCache ?? join(environment.home, ".cache"), "holdfast"),
    data: join(environment.xdgData ?? join(environment.home, ".local", "share"), "holdfast"),
  };
}
