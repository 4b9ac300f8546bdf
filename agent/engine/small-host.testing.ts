import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BackupRequest, Engine, RestoreRequest } from "#agent/commands/engine.ts";
import { systemClock } from "#shared/clock.ts";
import type { EntryError, Notice, Report, Reporter } from "#shared/operations/progress.ts";
import { systemRandom } from "#shared/random.ts";
import { createRepository, type StoreSettings } from "#shared/repository/create-repository.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import type { Store } from "#shared/store/store.ts";
import { Patience } from "./patience.ts";
import { storeEngine } from "./store-engine.ts";

/** Sizes that make several segments and packs of a few hundred kilobytes. */
export const smallSettings: StoreSettings = {
  chunkMinBytes: 2048,
  chunkAvgBytes: 8192,
  chunkMaxBytes: 32_768,
  segmentBytes: 16_384,
  packBytes: 65_536,
};

/** What an operation came to: its report, and what it told on the way. */
export type Outcome = Report & { readonly errors: readonly EntryError[]; readonly notices: readonly Notice[] };

/** A host of a test: directories of its own, a store, and the engine that the commands use. */
export class SmallHost {
  readonly directory: string;
  readonly source: string;
  readonly store: Store;
  #targets = 0;

  private constructor(store: Store) {
    this.directory = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-small-")));
    this.source = this.path("source");
    mkdirSync(this.source);
    this.store = store;
  }

  /** A host with a plaintext repository in `store`, by default in memory. */
  static async make(options: { readonly store?: Store; readonly settings?: StoreSettings } = {}): Promise<SmallHost> {
    const host = new SmallHost(options.store ?? memoryStore());
    const settings = options.settings ?? smallSettings;
    await createRepository({
      store: host.store,
      passphrase: undefined,
      settings,
      random: systemRandom,
      clock: systemClock,
    });
    return host;
  }

  /** Another host, which has never seen the repository that is in `store`. */
  static visit(store: Store): SmallHost {
    return new SmallHost(store);
  }

  /** A path in the host's directory. */
  path(...names: readonly string[]): string {
    return join(this.directory, ...names);
  }

  /** Runs something on a fresh engine and tells what it reported. */
  async run(
    operation: (engine: Engine) => Promise<Report>,
    options: {
      readonly signal?: AbortSignal;
      readonly store?: Store;
      readonly acceptRollback?: boolean;
      readonly settleMs?: number;
    } = {},
  ): Promise<Outcome> {
    const errors: EntryError[] = [];
    const notices: Notice[] = [];
    const reporter: Reporter = {
      start: () => undefined,
      notice: (notice) => notices.push(notice),
      entryError: (error) => errors.push(error),
      finish: () => undefined,
    };
    const engine = storeEngine({
      store: options.store ?? this.store,
      storeDirectory: undefined,
      storageClass: undefined,
      directories: { data: this.path("data"), cache: this.path("cache") },
      useCache: false,
      acceptRollback: options.acceptRollback ?? false,
      // Files of tests were always made a moment ago.
      settleMs: options.settleMs ?? 0,
      concurrency: 1,
      patience: new Patience(undefined),
      secretSources: {
        keyfile: undefined,
        passphraseCommand: undefined,
        passphrase: undefined,
        terminal: () => Promise.resolve(undefined),
      },
      reporter,
      signal: options.signal ?? new AbortController().signal,
    });
    return { ...(await operation(engine)), errors, notices };
  }

  /** Backs `source` up, or what `request` says. */
  backup(
    request: Partial<BackupRequest> = {},
    options: { readonly signal?: AbortSignal; readonly store?: Store; readonly settleMs?: number } = {},
  ): Promise<Outcome> {
    const whole: BackupRequest = {
      paths: [this.source],
      dryRun: false,
      tags: [],
      name: undefined,
      host: "small",
      excludes: [],
      oneFileSystem: false,
      xattrs: true,
      force: false,
      parent: undefined,
      writer: false,
      ...request,
    };
    return this.run((engine) => engine.backup(whole), options);
  }

  /** Restores to a fresh directory, or as `request` says. Also tells the directory. */
  async restore(
    request: Partial<RestoreRequest> = {},
    options: { readonly store?: Store } = {},
  ): Promise<Outcome & { readonly target: string }> {
    const target = request.target ?? this.path(`target ${++this.#targets}`);
    const whole: RestoreRequest = {
      reference: { snapshot: { by: "age", back: 0 }, path: this.source },
      target,
      overwrite: "never",
      dryRun: false,
      owners: "numbers",
      xattrs: true,
      sparse: false,
      ...request,
    };
    return { ...(await this.run((engine) => engine.restore(whole), options)), target };
  }

  /** Verifies the store, by default all of it. */
  check(readPercent = 100, options: { readonly store?: Store } = {}): Promise<Outcome> {
    return this.run((engine) => engine.check({ snapshots: [], readPercent }), options);
  }

  /** Ids of the visible snapshots, the oldest first. */
  async snapshots(store: Store = this.store): Promise<string[]> {
    const ids: string[] = [];
    await this.run(
      async (engine) => {
        for await (const { id } of engine.snapshots({ tags: [], host: undefined, name: undefined, latest: undefined }))
          ids.push(id);
        return { operation: "ls", outcome: "ok", facts: {} };
      },
      { store },
    );
    return ids;
  }

  /** Keys of the store that begin so. */
  async keys(prefix = ""): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.store.list(prefix)) keys.push(key);
    return keys;
  }

  /** Removes the host's directory, immutable files included. */
  remove(): void {
    try {
      rmSync(this.directory, { recursive: true, force: true });
    } catch {
      spawnSync("chattr", ["-R", "-i", this.directory]);
      rmSync(this.directory, { recursive: true, force: true });
    }
  }
}

/**
 * Everything below a directory, a line for each path: type, mode, time of change to the nanosecond, content, and which paths are
 * links to one file. The directory itself is left out: it is there before a restore, which leaves it as it was.
 */
export function treeLines(root: string): Map<string, string> {
  const lines = new Map<string, string>();
  const firstNames = new Map<bigint, string>();
  const visit = (path: string): void => {
    const full = join(root, path);
    const stat = lstatSync(full, { bigint: true });
    const head = `${stat.mode.toString(8)} ${stat.mtimeNs}`;
    if (stat.isDirectory()) {
      if (path !== "") lines.set(path, `directory ${head}`);
      for (const name of readdirSync(full).sort()) visit(join(path, name));
    } else if (stat.isSymbolicLink()) lines.set(path, `symlink ${readlinkSync(full)}`);
    else if (stat.isFile()) {
      const first = firstNames.get(stat.ino) ?? path;
      firstNames.set(stat.ino, first);
      const hash = createHash("sha256").update(readFileSync(full)).digest("hex").slice(0, 16);
      lines.set(path, `file ${head} ${stat.size} ${hash}${stat.nlink > 1n ? ` as ${first}` : ""}`);
    } else lines.set(path, `other ${head}`);
  };
  visit("");
  return lines;
}

/** Bytes that no compressor shrinks and that are the same for the same seed. */
export function noise(seed: string, lengthBytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < lengthBytes; at += 32) parts.push(createHash("sha256").update(`${seed}/${at}`).digest());
  return Buffer.concat(parts).subarray(0, lengthBytes);
}
