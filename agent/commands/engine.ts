import type { PathReference, SnapshotReference } from "#agent/arguments/snapshot-reference.ts";
import type { MountListener, MountPlace } from "./gateway-port.ts";
import type { EntryError, Report } from "#shared/operations/progress.ts";
import type { ProbedCheck, ProbeReport } from "#shared/store/probe-store.ts";

/**
 * What the commands ask of a store: the port between the command line and the operations. `wiring.ts` makes one for each
 * run, bound to the store, the secret, the reporter and the signal of that run; tests make one of plain objects.
 *
 * Methods throw HoldfastErrors. Paths and names are binary strings, one character per byte.
 */
export interface Engine {
  /** Makes a store. */
  create(request: CreateRequest): Promise<CreatedStore>;
  backup(request: BackupRequest): Promise<Report>;
  restore(request: RestoreRequest): Promise<Report>;
  check(request: CheckRequest): Promise<Report>;
  /** Looks for damage; with `apply` mends it. */
  repair(request: RepairRequest): Promise<Report>;
  /** Needs no secret. */
  maintenance(request: MaintenanceRequest): Promise<Report>;
  /** Snapshots that match, oldest first. */
  snapshots(filter: SnapshotFilter): AsyncIterable<SnapshotSummary>;
  /** One snapshot. @throws {HoldfastError} absent, or invalid when the prefix fits more than one */
  snapshot(reference: SnapshotReference): Promise<SnapshotSummary>;
  /** The entry itself when it is no directory, else what is in it, in tree order; all below it when `recursive`. */
  entries(reference: PathReference, options: { readonly recursive: boolean }): AsyncIterable<EntrySummary>;
  /** The content of a file, verified before each part is given. @throws {HoldfastError} invalid: not a file */
  read(reference: PathReference): AsyncIterable<Uint8Array>;
  /** What the snapshot's backup could not read, and what changed while it was read. */
  entryErrors(reference: SnapshotReference): AsyncIterable<EntryError>;
  info(): Promise<StoreSummary>;
  /** The snapshots that `references` name. With `apply`, removes them in one log entry. */
  remove(
    references: readonly SnapshotReference[],
    options: { readonly apply: boolean },
  ): Promise<readonly SnapshotSummary[]>;
  /** Takes removals back. References are prefixes of ids; `latest` counts visible snapshots only and is refused. */
  undelete(references: readonly SnapshotReference[]): Promise<readonly SnapshotSummary[]>;
  /** The slots; of those that cannot be read their names. One that is damaged is told as a notice. */
  keys(): Promise<readonly (KeySummary | UnreadableKey)[]>;
  /** Adds a slot under a new passphrase, or under a random secret that becomes a key file. */
  addKey(request: AddKeyRequest): Promise<AddedKey>;
  /** Removes a slot, also one that is damaged or cannot be read. @throws {HoldfastError} conflict: it is the last slot of an owner that can be read */
  removeKey(slotPrefix: string): Promise<KeySummary | DamagedKey | UnreadableKey>;
  /** The slot that `removeKey` would remove. @throws {HoldfastError} as `removeKey` */
  keyToRemove(slotPrefix: string): Promise<KeySummary | DamagedKey | UnreadableKey>;
  /** Adds a slot for a new recovery key, once `keep` has given it to the person. Where that throws no slot is made. */
  addRecoveryKey(keep: KeepRecoveryKey): Promise<KeySummary>;
  /** Replaces the slot that the given secret opened by one under a new passphrase. */
  changePassphrase(newPassphrase: AskNewPassphrase): Promise<KeySummary>;
  /** Serves snapshots until the run is stopped, and tells of each place when it is served. */
  mount(request: MountRequest, onPlace: (place: ServedPlace) => void): Promise<void>;
  /** Tries whether the place keeps the promises of `Store`, and tells of each check as it ends. */
  probe(onCheck: (check: ProbedCheck) => void): Promise<ProbeReport>;
  /** Ends connections. */
  close(): Promise<void>;
}

/** What `create` asks. Sizes are bytes; undefined is the default. */
export type CreateRequest = {
  readonly plaintext: boolean;
  readonly chunkMinBytes: number | undefined;
  readonly chunkAvgBytes: number | undefined;
  readonly chunkMaxBytes: number | undefined;
  readonly compressionLevel: number | undefined;
  readonly graceMs: number | undefined;
  readonly newPassphrase: AskNewPassphrase;
  /** Gives the recovery key, which is nowhere else, to the person. Not called for a plaintext store. Where it throws no store is made. */
  readonly keepRecoveryKey: KeepRecoveryKey;
};

/** Gives a recovery key, which is nowhere else, to the person. */
export type KeepRecoveryKey = (recoveryKey: string, storeId: string) => Promise<void>;

/** Gets the passphrase for a new slot. Called at most once, and only when it is needed. */
export type AskNewPassphrase = () => Promise<string>;

/** What `create` made. */
export type CreatedStore = { readonly storeId: string };

/** What `backup` asks. Paths are absolute, as binary strings. */
export type BackupRequest = {
  /** With a slash at its end a path that is a symlink stands for what it leads to. None where there is a stream. */
  readonly paths: readonly string[];
  /** Paths by which the snapshot shows `paths`, in their order; none: by their own. */
  readonly as?: readonly string[];
  /** Content is not read again because of another inode, or of another change time. */
  readonly ignoreInode?: boolean;
  readonly ignoreCtime?: boolean;
  /** Share of the unchanged files that are read to compare their content. */
  readonly rereadPercent?: number | undefined;
  /** Whether a file that changed while it was read makes the backup partial. */
  readonly strict?: boolean;
  /** What is backed up instead of paths. */
  readonly stream?: StreamRequest | undefined;
  readonly dryRun: boolean;
  readonly tags: readonly string[];
  readonly name: string | undefined;
  readonly host: string | undefined;
  /** Lines in gitignore syntax, in order. */
  readonly excludes: readonly string[];
  readonly oneFileSystem: boolean;
  readonly xattrs: boolean;
  /** Read everything; trust no previous snapshot. */
  readonly force: boolean;
  readonly parent: SnapshotReference | undefined;
  /** Open with a writer's key only, and refuse an owner's. */
  readonly writer: boolean;
};

/** A stream that is backed up as one file. */
export type StreamRequest = {
  /** Where the snapshot shows it: absolute, as a binary string. */
  readonly path: string;
  /** The program and its arguments whose output it is; undefined: standard input. */
  readonly command: readonly string[] | undefined;
};

/** What `restore` asks. */
export type RestoreRequest = {
  readonly reference: PathReference;
  /** Absolute directory, as a binary string; undefined restores to where it came from. */
  readonly target: string | undefined;
  readonly overwrite: Overwrite;
  readonly dryRun: boolean;
  /** `names`: by name, else by number; `numbers`: by number; `none`: leave to the system. */
  readonly owners: "names" | "numbers" | "none";
  readonly xattrs: boolean;
  readonly sparse: boolean;
  /** Paths of the snapshot that are restored under their full paths, instead of what `reference` names. */
  readonly paths?: readonly string[];
  /** Lines of gitignore; with any, only what matches one is restored. */
  readonly includes?: readonly string[];
  /** Lines of gitignore: what matches is not restored. */
  readonly excludes?: readonly string[];
  /** Told of each entry but directories, with the path that it has on this host. */
  readonly onEntry?: ((path: string, fate: EntryFate) => void) | undefined;
};

/** What became of an entry, or will: made; put in the place of another; found as it is to be; left alone because something was there. */
export type EntryFate = "create" | "replace" | "keep" | "leave";

/** What happens to files that are there: rewritten; rewritten where they differ; left. */
export type Overwrite = "always" | "changed" | "never";

/** What `check` asks: `readPercent` 0 verifies structure only, 100 reads all. */
export type CheckRequest = { readonly snapshots: readonly SnapshotReference[]; readonly readPercent: number };

/** What `maintenance` asks; undefined is the default. */
export type MaintenanceRequest = {
  readonly dryRun: boolean;
  /** Past the safety limit. */
  readonly force: boolean;
  /** Goes on where the clocks of this machine and of the store differ. */
  readonly acceptClock: boolean;
  /** Above 0, up to 100. */
  readonly limitPercent: number | undefined;
  readonly orphanAgeMs: number | undefined;
  readonly setGraceMs: number | undefined;
  readonly compact: boolean;
};

/** What `mount` asks. Files are paths as typed. */
export type MountRequest = {
  /** Undefined: all snapshots. */
  readonly reference: PathReference | undefined;
  readonly listeners: readonly MountListener[];
  readonly accessFile: string | undefined;
  /** A token that lets in whoever has it, where there are no other rules of access. */
  readonly linkToken: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly isPlainAllowed: boolean;
  readonly accessLogFile: string | undefined;
  readonly connections: number | undefined;
  /** Milliseconds for which a client may take nothing; undefined: as usual. */
  readonly stallMs: number | undefined;
  /** Addresses and networks of proxies that may tell for whom they ask. */
  readonly trustedProxies: readonly string[];
  readonly requestsPerSecond: number | undefined;
};

/** A place that is served, and whether the token of the request is what lets in. */
export type ServedPlace = MountPlace & { readonly needsLink: boolean };

/** What `repair` asks. */
export type RepairRequest = {
  /** Whether anything is changed; else damage is only told. */
  readonly apply: boolean;
  /** Whether all content is read and verified. */
  readonly read: boolean;
  /** Whether snapshots of which nothing can be had are removed. */
  readonly dropLost: boolean;
  /** Goes on where most of the store would be given up. */
  readonly force: boolean;
};

/** Which snapshots `ls` shows. */
export type SnapshotFilter = {
  /** All of these. */
  readonly tags: readonly string[];
  readonly host: string | undefined;
  readonly name: string | undefined;
  /** The newest so many of each host and name; undefined: all. */
  readonly latest: number | undefined;
  /** Those that were removed and can be undeleted, instead of the visible ones. */
  readonly removed?: boolean;
};

/** A snapshot in a list. */
export type SnapshotSummary = {
  readonly id: string;
  readonly timeMs: number;
  readonly durationMs: number;
  readonly host: string;
  readonly name: string;
  readonly tags: readonly string[];
  /** Roots of its sources. */
  readonly paths: readonly string[];
  readonly sizeBytes: number;
  readonly entries: number;
  /** Entries that the backup could not read whole, and paths that were lost later. */
  readonly errors: number;
  /** Paths of which a repair found content lost. */
  readonly lostPaths: number;
  /** A repair put it in the place of a damaged one, whose id finds it too. */
  readonly repaired: boolean;
  /** When it was removed, by the clock of whoever did; only of one that is removed. */
  readonly removedAtMs?: number;
};

/** The types of entries, by the letter that `ls --long` shows. */
export const entryTypeLetters = {
  file: "-",
  directory: "d",
  symlink: "l",
  fifo: "p",
  socket: "s",
  characterDevice: "c",
  blockDevice: "b",
} as const;

/** An entry in a list. */
export type EntrySummary = {
  readonly path: string;
  readonly type: keyof typeof entryTypeLetters;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly linkCount: number;
  readonly target: string | undefined;
  readonly xattrs: number;
};

/** What `info` tells of a store. */
export type StoreSummary = {
  readonly storeId: string;
  readonly formatVersion: number;
  readonly createdMs: number;
  readonly encrypted: boolean;
  readonly snapshots: number;
  readonly removedSnapshots: number;
  readonly logEntries: number;
  readonly packs: number;
  readonly packBytes: number;
  /** Packs that maintenance sweeps when their grace period is over, and the size of those that a state tells of. */
  readonly condemnedPacks: number;
  readonly condemnedBytes: number;
  readonly chunkMinBytes: number;
  readonly chunkAvgBytes: number;
  readonly chunkMaxBytes: number;
  readonly compressionLevel: number;
  readonly graceMs: number;
};

/** A key slot, as far as it is no secret. */
export type KeySummary = {
  readonly slotId: string;
  readonly role: "owner" | "writer";
  readonly label: string;
  readonly form: "passphrase" | "keyfile" | "recovery";
  readonly createdMs: number;
  /** The slot that opened this session. */
  readonly current: boolean;
};

/** A key slot that is damaged: nothing but its name is known. */
export type DamagedKey = { readonly slotId: string; readonly damaged: true };

/** A key slot that this user cannot read, though it may be whole: nothing but its name is known, and why. */
export type UnreadableKey = { readonly slotId: string; readonly unreadable: true; readonly reason: string };

/** What `key add` asks. */
export type AddKeyRequest = {
  readonly role: "owner" | "writer";
  readonly label: string;
  /** Undefined: make a random secret, and give it back as a key file. */
  readonly newPassphrase: AskNewPassphrase | undefined;
};

/** What `key add` made; `keyfile` is the content of the key file, when one was asked for. */
export type AddedKey = { readonly slot: KeySummary; readonly keyfile: Uint8Array | undefined };
