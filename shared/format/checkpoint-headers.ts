import { decodeCborMap, encodeCbor } from "./cbor.ts";
import { idFromBytes, idToBytes, type StateId } from "./ids.ts";
import { sessionEnvelopeBytes, type SessionEnvelope } from "./state.ts";
import { sectionVersion } from "./section-version.ts";

/** The name of the section of a checkpoint that holds the sealed headers of snapshots. */
export const headersSectionName = "headers";

/** The sealed header of a snapshot and the session that opens it, copied from the state's head. */
export type SealedHeader = {
  readonly stateId: StateId;
  readonly session: SessionEnvelope;
  /** Nonce, 24 bytes, and the sealed snapshot header. */
  readonly sealedSnapshot: Uint8Array;
};

/** Rows come in any order and are written by state id. @see FORMAT.md, Checkpoint */
export function encodeHeadersSection(headers: Iterable<SealedHeader>): Uint8Array {
  const ascending = [...headers].sort((left, right) => (left.stateId < right.stateId ? -1 : 1));
  return encodeCbor({
    version: 1,
    headers: ascending.map(({ stateId, session, sealedSnapshot }) => ({
      state: idToBytes(stateId),
      session: session.sessionId,
      envelope: session.envelope,
      sealed: sealedSnapshot,
    })),
  });
}

/** @throws {HoldfastError} corrupt or incompatible */
export function decodeHeadersSection(bytes: Uint8Array, subject: string): Map<StateId, SealedHeader> {
  const map = decodeCborMap(bytes, subject);
  sectionVersion(map, 1, subject);
  const headers = new Map<StateId, SealedHeader>();
  let before = "";
  for (const each of map.maps("headers")) {
    const stateId = idFromBytes("state", each.bytes("state", 32));
    if (stateId <= before) each.fail("state", "does not ascend");
    before = stateId;
    headers.set(stateId, {
      stateId,
      session: { sessionId: each.bytes("session", 16), envelope: each.bytes("envelope", sessionEnvelopeBytes) },
      sealedSnapshot: each.bytes("sealed"),
    });
    each.end();
  }
  map.end();
  return headers;
}
