import { encodeHex } from "#shared/bytes/hex.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import type { ErrorKind } from "#shared/errors.ts";
import type { Random } from "#shared/random.ts";

/** What a vector file may hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One test vector: one file. `README.md` explains the fields to strangers. */
export type Vector = {
  /** What it is, in the words of FORMAT.md; also the folder of the file. */
  readonly structure: string;
  /** Name of the file without ".json". */
  readonly name: string;
  /** What is special about it, one sentence. */
  readonly about: string;
  /** What a reader needs beside the bytes. */
  readonly context: Readonly<Record<string, Json>>;
  /** The encoded structure in hexadecimal; a list of them for a log; text for a recovery key. */
  readonly input: Json;
  /** "success", or the kind of error with which a reader must refuse it. */
  readonly expect: "success" | ErrorKind;
  /** The decoded value; only with "success". */
  readonly value?: Json;
  /** The bytes come out of zstd, another version of which may compress otherwise. */
  readonly zstd?: true;
};

/** The text of a vector's file. */
export function vectorText(vector: Vector): string {
  return `${JSON.stringify(vector, undefined, 2)}\n`;
}

/** Bytes that follow from a seed: SHA-256 of "<seed>/0", "<seed>/1", …, one after the other. */
export function seededBytes(seed: string, lengthBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lengthBytes);
  for (let at = 0, counter = 0; at < lengthBytes; at += 32, counter++) {
    bytes.set(sha256(Buffer.from(`${seed}/${counter}`)).subarray(0, lengthBytes - at), at);
  }
  return bytes;
}

/** Randomness that follows from a seed: the n-th call gives `seededBytes("<seed> <n>")`. */
export function seededRandom(seed: string): Random {
  let calls = 0;
  return (lengthBytes) => seededBytes(`${seed} ${calls++}`, lengthBytes);
}

/** A decoded value as JSON: bytes in hexadecimal, maps as objects, what is undefined left out. */
export function toJson(value: unknown): Json {
  if (value === null || typeof value === "boolean" || typeof value === "number" || typeof value === "string")
    return value;
  if (value instanceof Uint8Array) return encodeHex(value);
  if (Array.isArray(value)) return value.map((each) => toJson(each));
  const entries = value instanceof Map ? [...value.entries()] : Object.entries(value as object);
  return Object.fromEntries(
    entries.filter(([, each]) => each !== undefined).map(([key, each]) => [String(key), toJson(each)]),
  );
}

/** A vector that must decode; its value is filled in by the generator. */
export function success(
  structure: string,
  name: string,
  about: string,
  context: Vector["context"] = {},
  input: Vector["input"] = "",
): Vector {
  return { structure, name, about, context, input, expect: "success" };
}

/** A vector that must be refused. */
export function refused(
  structure: string,
  name: string,
  about: string,
  expect: Exclude<Vector["expect"], "success">,
  input: Uint8Array | string,
  context: Vector["context"] = {},
): Vector {
  return { structure, name, about, context, input: typeof input === "string" ? input : encodeHex(input), expect };
}
