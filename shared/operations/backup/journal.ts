import type { PackKind } from "#shared/format/segment.ts";
import type { PackId } from "#shared/format/ids.ts";

/** A pack that a session stores and whose state is not published yet. It may have come into the store, or not. */
export type JournalRecord = {
  readonly packId: PackId;
  readonly kind: PackKind;
  readonly sizeBytes: number;
  readonly sessionId: Uint8Array;
  /** The session key, sealed to the store's public key. */
  readonly envelope: Uint8Array;
};

/**
 * The port to the agent's memory of packs that are stored, or were about to be, and not published: what lets an interrupted backup go on without
 * storing them again. It may forget; nothing then is wrong, only slower.
 */
export interface Journal {
  /** Packs of interrupted sessions on this store, taken over by this one. */
  readonly left: readonly JournalRecord[];
  /** Notes a pack, durably before it returns. */
  add(record: JournalRecord): void;
  /** Forgets everything, own and taken over: it is published. */
  clear(): void;
  /** Ends without forgetting. */
  close(): void;
}
