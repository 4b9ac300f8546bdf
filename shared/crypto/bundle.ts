import { decode, encode, rfc8949EncodeOptions } from "cborg";
import { HoldfastError } from "#shared/errors.ts";
import { deriveKeys } from "./derive-keys.ts";
import type { HpkeKeyPair } from "./hpke-key-pair.ts";

/** What somebody may do with a store: the secrets that their role is given, each 32 bytes. */
export type Bundle =
  | { readonly role: "owner"; readonly masterSecret: Uint8Array }
  | {
      readonly role: "writer";
      readonly idKey: Uint8Array;
      readonly chunkKey: Uint8Array;
      readonly indexKey: Uint8Array;
    }
  | { readonly role: "auditor" };

/** The roles. Owner: everything. Writer: append and deduplicate. Auditor: the structure only. */
export type Role = Bundle["role"];

/** The keys of a role; `undefined` is a key that the role does not hold. */
export type BundleKeys = {
  readonly role: Role;
  readonly idKey: Uint8Array | undefined;
  readonly chunkKey: Uint8Array | undefined;
  readonly indexKey: Uint8Array | undefined;
  readonly stateKey: Uint8Array | undefined;
  readonly hpke: HpkeKeyPair | undefined;
};

/** The most bytes that an encoded bundle may have. */
export const bundleMaxBytes = 256;

const version = 1;
const keyBytes = 32;

/** The keys that a bundle holds or implies. */
export async function bundleKeys(bundle: Bundle): Promise<BundleKeys> {
  switch (bundle.role) {
    case "owner":
      return { role: "owner", ...(await deriveKeys(bundle.masterSecret)) };
    case "writer":
      return {
        role: "writer",
        idKey: bundle.idKey,
        chunkKey: bundle.chunkKey,
        indexKey: bundle.indexKey,
        stateKey: undefined,
        hpke: undefined,
      };
    case "auditor":
      return {
        role: "auditor",
        idKey: undefined,
        chunkKey: undefined,
        indexKey: undefined,
        stateKey: undefined,
        hpke: undefined,
      };
  }
}

/** The writer's bundle of a store: what an owner hands to a host. Its keys cannot be turned back into the master secret. */
export async function writerBundle(masterSecret: Uint8Array): Promise<Bundle & { readonly role: "writer" }> {
  const { idKey, chunkKey, indexKey } = await deriveKeys(masterSecret);
  return { role: "writer", idKey, chunkKey, indexKey };
}

/**
 * Encodes a bundle, for a key slot (which seals it) or a keyfile (which does not).
 *
 * @returns a canonical CBOR map: `v`, `role` and the secrets of the role by their names
 * @see FORMAT.md, bundle; RFC 8949 section 4.2.1
 */
export function encodeBundle(bundle: Bundle): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encode({ v: version, ...checkBundle(bundle, "internal") }, rfc8949EncodeOptions));
}

/**
 * Decodes what `encodeBundle` made, and nothing else: every bundle has one encoding.
 *
 * @throws {HoldfastError} corrupt: not a bundle
 * @throws {HoldfastError} incompatible: a bundle of a newer version
 */
export function decodeBundle(bytes: Uint8Array): Bundle {
  if (bytes.length > bundleMaxBytes) throw notABundle("corrupt", `it has ${bytes.length} bytes`);
  const fields = decodeMap(bytes);
  const { v, ...rest } = fields;
  if (typeof v === "number" && v > version) {
    throw new HoldfastError("incompatible", `Cannot read the key bundle: it is of version ${v}`, {
      hint: "Use a newer Holdfast.",
    });
  }
  if (v !== version) throw notABundle("corrupt", "its version is unknown");
  const bundle = checkBundle(rest, "corrupt");
  if (Buffer.compare(encodeBundle(bundle), bytes) !== 0) throw notABundle("corrupt", "it is not in canonical form");
  return bundle;
}

function decodeMap(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = decode(bytes, { strict: true, allowIndefinite: false, rejectDuplicateMapKeys: true });
  } catch {
    throw notABundle("corrupt", "it is not CBOR");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw notABundle("corrupt", "it is not a map");
  }
  return { ...value };
}

function checkBundle(fields: Readonly<Record<string, unknown>>, kind: "corrupt" | "internal"): Bundle {
  const count = Object.keys(fields).length;
  const secret = (name: string): Uint8Array => {
    const value = fields[name];
    if (value instanceof Uint8Array && value.length === keyBytes) return value;
    throw notABundle(kind, `its ${name} does not have ${keyBytes} bytes`);
  };
  if (fields["role"] === "owner" && count === 2) return { role: "owner", masterSecret: secret("masterSecret") };
  if (fields["role"] === "writer" && count === 4) {
    return { role: "writer", idKey: secret("idKey"), chunkKey: secret("chunkKey"), indexKey: secret("indexKey") };
  }
  if (fields["role"] === "auditor" && count === 1) return { role: "auditor" };
  throw notABundle(kind, "its role or its fields are unknown");
}

function notABundle(kind: "corrupt" | "internal", cause: string): HoldfastError {
  return new HoldfastError(kind, `Cannot read the key bundle: ${cause}`);
}
