import type { Exporter, FileDecision } from "#shared/connectors/exporter.ts";
import type { Entry } from "#shared/format/entry.ts";
import type { StateId } from "#shared/format/ids.ts";
import type { Reporter } from "#shared/operations/progress.ts";
import type { Repository } from "#shared/repository/repository.ts";
import type { LostEntries } from "#shared/tree/read-tree.ts";

/** Told the place of an entry on the host and what became of it, or will. */
export type EntryListener = (path: string, fate: FileDecision) => void;

/** A directory that leads to what is restored. */
export type Ancestor = {
  readonly path: string;
  /** What the snapshot recorded of it, with the path in the target; undefined: nothing. */
  readonly entry: Entry | undefined;
};

/** A tree, or part of one, and where it goes. */
export type RestoreItem = {
  /** Entries in key order; those that cannot be read are told of and left out. */
  readonly entries: (onLost: (lost: LostEntries) => void) => AsyncIterable<Entry>;
  /** The path of an entry in the target; "" is the target itself. */
  readonly targetOf: (entry: Entry) => string;
  /** Directories in the target that lead to the first entry, from the top. Those that are there stay as they are. */
  readonly ancestors: readonly Ancestor[];
  /** How many entries and bytes there are, for the progress. */
  readonly totalEntries: number | undefined;
  readonly totalBytes: number | undefined;
};

/** What to restore, and how. */
export type RestoreOptions = {
  readonly repository: Repository;
  /** The snapshot that all of it is of. */
  readonly snapshot: StateId;
  readonly items: readonly { readonly item: RestoreItem; readonly exporter: Exporter }[];
  readonly threads: number;
  /** Sealed bytes that are fetched or being worked on at most. */
  readonly inFlightBytes: number;
  readonly reporter: Reporter;
  /** Told what became of each entry but directories, with its place on the host. */
  readonly onEntry?: EntryListener | undefined;
  readonly signal?: AbortSignal;
};

/** What a restore did. */
export type RestoreReport = {
  readonly entries: number;
  readonly files: number;
  readonly kept: number;
  readonly restoredBytes: number;
  readonly fetchedBytes: number;
  /** Entries that are not there, or not whole. */
  readonly failed: number;
  /** Of those, how many because stored bytes did not verify. */
  readonly damaged: number;
  /** Attributes that could not be restored. */
  readonly problems: number;
  /** Directories that were made and that the snapshot does not describe: they have the permissions of a new directory. */
  readonly undescribed: number;
  /** Packs that were read although they are condemned. */
  readonly condemnedPacks: number;
  readonly durationMs: number;
};
