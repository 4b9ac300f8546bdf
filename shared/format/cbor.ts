import { decode, encode, rfc8949EncodeOptions } from "cborg";
import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { HoldfastError } from "#shared/errors.ts";

/** What canonical CBOR in this format may hold. */
export type CborValue =
  | string
  | number
  | boolean
  | Uint8Array
  | null
  | readonly CborValue[]
  | { readonly [key: string]: CborValue };

/** Canonical CBOR of `value` (RFC 8949 §4.2.1): shortest integers, sorted map keys, definite lengths. */
export function encodeCbor(value: CborValue): Uint8Array {
  return encode(value, rfc8949EncodeOptions);
}

/**
 * Decodes canonical CBOR whose top is a map. Encoded again it must give the same bytes: no other order of keys, no longer form of a
 * number, no damaged text, so that every value has one encoding.
 *
 * @throws {HoldfastError} corrupt: anything else
 */
export function decodeCborMap(bytes: Uint8Array, subject: string): CborMap {
  let value: unknown;
  try {
    value = decode(bytes, {
      strict: true,
      rejectDuplicateMapKeys: true,
      allowIndefinite: false,
      allowUndefined: false,
    });
    if (!equalBytes(encode(value, rfc8949EncodeOptions), bytes)) throw new RangeError("encoded again it differs");
  } catch (cause) {
    throw new HoldfastError("corrupt", `Cannot read ${subject}: it is not canonical CBOR`, { cause });
  }
  return new CborMap(value, subject);
}

/** A decoded map whose fields are taken one by one, each checked, and then `end()`ed: no field may be left over. */
export class CborMap {
  readonly subject: string;
  readonly #fields: Map<string, unknown>;

  constructor(value: unknown, subject: string) {
    this.subject = subject;
    if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array) {
      throw new HoldfastError("corrupt", `Cannot read ${subject}: a map is expected`);
    }
    this.#fields = new Map(Object.entries(value));
  }

  /** Whether a field is there (and not null). */
  has(name: string): boolean {
    return this.#fields.get(name) !== undefined && this.#fields.get(name) !== null;
  }

  /** A byte string, of `length` bytes when given. */
  bytes(name: string, length?: number): Uint8Array<ArrayBuffer> {
    const value = this.#take(name);
    if (!(value instanceof Uint8Array)) return this.fail(name, "is not a byte string");
    if (length !== undefined && value.byteLength !== length) return this.fail(name, `is not ${length} bytes long`);
    return new Uint8Array(value);
  }

  /** An integer from `min` to `max`. */
  integer(name: string, min = 0, max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.#take(name);
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min || value > max) {
      return this.fail(name, `is not an integer from ${min} to ${max}`);
    }
    return value;
  }

  /** A text of at most `maxLength` UTF-16 units. */
  text(name: string, maxLength = 65536): string {
    const value = this.#take(name);
    if (typeof value !== "string" || value.length > maxLength)
      return this.fail(name, "is not a text of allowed length");
    return value;
  }

  /** One of `values`. */
  oneOf<Value extends string>(name: string, values: readonly Value[]): Value {
    const value = this.#take(name);
    const found = values.find((each) => each === value);
    return found ?? this.fail(name, `is not one of ${values.join(", ")}`);
  }

  /** The name of an algorithm or a use, one of `values`; another is of a newer program. @throws {HoldfastError} incompatible */
  knownOf<Value extends string>(name: string, values: readonly Value[]): Value {
    const text = this.text(name, 64);
    const found = values.find((each) => each === text);
    if (found !== undefined) return found;
    throw new HoldfastError("incompatible", `Cannot read ${this.subject}: its ${name} "${text}" is not known`, {
      hint: "Use a newer version of Holdfast.",
    });
  }

  /** A boolean. */
  boolean(name: string): boolean {
    const value = this.#take(name);
    if (typeof value !== "boolean") return this.fail(name, "is not true or false");
    return value;
  }

  /** An array of maps. */
  maps(name: string): CborMap[] {
    return this.#array(name).map((each, index) => new CborMap(each, `${this.subject}, ${name} ${index}`));
  }

  /** An array of byte strings, each of `length` bytes when given. */
  bytesList(name: string, length?: number): Uint8Array<ArrayBuffer>[] {
    return this.#array(name).map((each) => {
      if (!(each instanceof Uint8Array) || (length !== undefined && each.byteLength !== length)) {
        return this.fail(name, "holds something else than byte strings of the right length");
      }
      return new Uint8Array(each);
    });
  }

  /** An array of texts. */
  texts(name: string): string[] {
    return this.#array(name).map((each) =>
      typeof each === "string" ? each : this.fail(name, "holds something else than texts"),
    );
  }

  /** A map. */
  map(name: string): CborMap {
    return new CborMap(this.#take(name), `${this.subject}, ${name}`);
  }

  /** A map of texts by text. */
  textMap(name: string): Map<string, string> {
    const value = this.#take(name);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return this.fail(name, "is not a map");
    return new Map(
      Object.entries(value).map(([key, each]) => [
        key,
        typeof each === "string" ? each : this.fail(name, "holds something else than texts"),
      ]),
    );
  }

  /** Passes over a field that must be null or absent. */
  skip(name: string): void {
    const value = this.#take(name);
    if (value !== undefined && value !== null) this.fail(name, "is not empty");
  }

  /** @throws {HoldfastError} corrupt: fields are left that this version does not have */
  end(): void {
    for (const name of this.#fields.keys()) this.fail(name, "is not a field of this version");
  }

  /** Throws `corrupt` about a field. */
  fail(name: string, reason: string): never {
    throw new HoldfastError("corrupt", `Cannot read ${this.subject}: its field "${name.slice(0, 40)}" ${reason}`);
  }

  #take(name: string): unknown {
    const value = this.#fields.get(name);
    this.#fields.delete(name);
    return value;
  }

  #array(name: string): unknown[] {
    const value = this.#take(name);
    if (!Array.isArray(value)) return this.fail(name, "is not an array");
    return value;
  }
}
