import { decodeCborMap, encodeCbor } from "./cbor.ts";
import { checkVersion, formatVersions } from "./version.ts";

/** An entry that a backup could not read, or that changed while it was read. Text of the path has one char per byte. */
export type SnapshotError = { readonly path: string; readonly kind: string; readonly message: string };

/** The blob that holds a snapshot's errors. @see FORMAT.md, Error list */
export function encodeErrorList(errors: readonly SnapshotError[]): Uint8Array {
  return encodeCbor({
    version: formatVersions.errorList,
    errors: errors.map((error) => ({
      path: new Uint8Array(Buffer.from(error.path, "latin1")),
      kind: error.kind,
      message: error.message,
    })),
  });
}

/** @throws {HoldfastError} corrupt or incompatible */
export function decodeErrorList(bytes: Uint8Array, subject: string): SnapshotError[] {
  const map = decodeCborMap(bytes, subject);
  checkVersion("errorList", map.integer("version"), subject);
  const errors = map.maps("errors").map((each) => {
    const error = {
      path: Buffer.from(each.bytes("path")).toString("latin1"),
      kind: each.text("kind"),
      message: each.text("message"),
    };
    each.end();
    return error;
  });
  map.end();
  return errors;
}
