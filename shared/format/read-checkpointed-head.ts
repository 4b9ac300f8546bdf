import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { HoldfastError } from "#shared/errors.ts";
import { type CborMap, decodeCborMap, encodeCbor } from "./cbor.ts";
import type { StoreId } from "./ids.ts";
import { scanStateHead } from "./scan-state-head.ts";
import type { Verify } from "./signed-payload.ts";
import { decodeSessions, decodeStatePack, type StateHead } from "./state.ts";

/** What a checkpoint takes from the head of a state: all but what the snapshot references, which may be many times as much. */
export type CheckpointedHead = Pick<
  StateHead,
  "packs" | "sessions" | "snapshotSession" | "sealedSnapshot" | "indexBytes" | "indexSha256"
>;

/** The fields of a head that are read, in the order of canonical CBOR. */
const fieldNames = ["packs", "sessions", "indexBytes", "indexSha256", "sealedSnapshot", "snapshotSession"];

/**
 * Reads those fields of a head whose bytes are known to be the right ones; the rest is only walked over, in flat memory.
 *
 * @throws {HoldfastError} corrupt or incompatible, as `scanStateHead`
 */
export function readCheckpointedHead(
  bytes: Uint8Array,
  options: {
    readonly subject: string;
    readonly storeId: StoreId;
    readonly verify: Verify;
  },
): CheckpointedHead {
  const fields = new Map<string, Uint8Array>();
  scanStateHead(bytes, options, {
    field: (name, value) => {
      if (fieldNames.includes(name)) fields.set(name, value);
    },
  });
  const items = fieldNames.flatMap((name) => {
    const value = fields.get(name);
    if (value === undefined)
      throw new HoldfastError("corrupt", `Cannot read ${options.subject}: it has no field "${name}"`);
    return [encodeCbor(name), value];
  });
  return decode(decodeCborMap(concatBytes(Uint8Array.of(0xa0 | fieldNames.length), ...items), options.subject));
}

function decode(map: CborMap): CheckpointedHead {
  return {
    packs: map.maps("packs").map((pack) => decodeStatePack(pack)),
    sessions: decodeSessions(map),
    snapshotSession: map.bytes("snapshotSession", 16),
    sealedSnapshot: map.bytes("sealedSnapshot"),
    indexBytes: map.integer("indexBytes"),
    indexSha256: map.bytes("indexSha256", 32),
  };
}
