import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { deriveKeys } from "#shared/crypto/derive-keys.ts";
import { createMac } from "#shared/crypto/mac.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { HoldfastError } from "#shared/errors.ts";
import { directoryRowBytes } from "#shared/format/directory.ts";
import {
  decodePackHeader,
  decodePackTrailer,
  packHeaderBytes,
  packTrailerBytes,
  readPackTableRow,
} from "#shared/format/pack.ts";
import { decodePackEnd } from "#shared/format/pack-end.ts";
import { nodeKey } from "#shared/repository/node-key.ts";
import { openDirectory } from "#shared/repository/open-directory.ts";
import { SegmentOpener } from "#shared/repository/segment-opener.ts";
import { SessionKeys } from "#shared/repository/session-keys.ts";

/** Everything in a pack, from its bytes and the store's master secret alone. @throws {HoldfastError} corrupt or incompatible */
export async function readWholePack(bytes: Uint8Array, masterSecret: Uint8Array): Promise<unknown> {
  const subject = "a pack";
  if (bytes.byteLength < packHeaderBytes + packTrailerBytes)
    throw new HoldfastError("corrupt", "Cannot read a pack: it ends early");
  const header = bytes.subarray(0, packHeaderBytes);
  const { kind, storeId, salt } = decodePackHeader(header, subject);
  const trailerAt = bytes.byteLength - packTrailerBytes;
  const trailer = bytes.subarray(trailerAt);
  const { directoriesOffset } = decodePackTrailer(trailer, bytes.byteLength, subject);
  const tail = bytes.subarray(directoriesOffset, trailerAt);
  const { table, sessions, directories } = decodePackEnd({ header, tail, trailer }, bytes.byteLength, subject);
  const { idKey, indexKey, hpke } = await deriveKeys(masterSecret);
  const keys = new SessionKeys(storeId, hpke);
  for (const session of sessions) keys.addEnvelope(session);
  const mac = await createMac(kind === "data" ? idKey : nodeKey(idKey));
  const opener = new SegmentOpener();
  const segments = [];
  for (const [row, sealedDirectory] of directories.entries()) {
    const place = readPackTableRow(table, row);
    const { segmentId } = place;
    const sealed = bytes.subarray(place.segmentOffset, place.segmentOffset + place.segmentBytes);
    const plain = opener.open(sealed, { storeId, kind, segmentId, sessionKey: await keys.key(place.sessionId) });
    const directory = openDirectory(sealedDirectory, { storeId, kind, segmentId, indexKey });
    segments.push({ ...place, blobs: takeApart(plain, directory, (blob) => mac.digest(blob)) });
  }
  return { packId: sha256(bytes), kind, storeId, salt, sessions, segments };
}

/** The blobs of a segment by its directory, each proved against its id. */
function takeApart(plain: Uint8Array, directory: Uint8Array, idOf: (blob: Uint8Array) => Uint8Array): unknown[] {
  const view = new DataView(directory.buffer, directory.byteOffset, directory.byteLength);
  const blobs = [];
  let offset = 0;
  for (let at = 0; at < directory.byteLength; at += directoryRowBytes) {
    const blobId = directory.subarray(at, at + 32);
    const length = view.getUint32(at + 32, true);
    const blob = plain.subarray(offset, offset + length);
    if (!equalBytes(idOf(blob), blobId))
      throw new HoldfastError("corrupt", "Cannot read a blob: its bytes do not match its name");
    blobs.push({ blobId, length });
    offset += length;
  }
  if (offset !== plain.byteLength)
    throw new HoldfastError("corrupt", "Cannot read a segment: its directory has another length");
  return blobs;
}
