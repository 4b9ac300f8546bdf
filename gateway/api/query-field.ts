import { HoldfastError } from "#shared/errors.ts";
import type { JsonSchema } from "./schema.ts";

/** A parameter of a query: how it is read and how it is described. */
export type QueryField<Value> = {
  readonly json: JsonSchema;
  readonly description: string;
  readonly isRequired: boolean;
  /** @param bytes - what was given, a binary string; undefined when nothing was. @throws {HoldfastError} invalid */
  read(bytes: string | undefined, name: string): Value;
};

/** Fields by name. */
export type QueryFields = Readonly<Record<string, QueryField<unknown>>>;
/** What fields read. */
export type QueryOf<Fields extends QueryFields> = {
  readonly [Name in keyof Fields]: Fields[Name] extends QueryField<infer Value> ? Value : never;
};

/** Bytes of a path that a file system could have. */
const pathBytesMax = 16_384;
const textBytesMax = 1024;

/** An absolute path, bytes written as `%XX`; comes as a binary string without a closing slash. */
export function pathField(description: string): QueryField<string> {
  return {
    json: { type: "string", pattern: "^/", maxLength: pathBytesMax * 3 },
    description: `${description} Absolute, without a closing slash; every byte that is not unreserved (RFC 3986) as %XX.`,
    isRequired: true,
    read(bytes, name) {
      if (bytes === undefined || !bytes.startsWith("/")) throw refused(name, "it is no absolute path");
      const path = bytes === "/" ? bytes : bytes.replace(/\/$/, "");
      const isBad =
        path !== "/" &&
        path
          .slice(1)
          .split("/")
          .some((part) => part === "" || part === "." || part === "..");
      if (isBad || path.includes("\0") || path.length > pathBytesMax) throw refused(name, "it is no path");
      return path;
    },
  };
}

/** A text, UTF-8; "" when nothing is given. */
export function textField(description: string): QueryField<string> {
  return {
    json: { type: "string", default: "", maxLength: textBytesMax },
    description,
    isRequired: false,
    read(bytes = "", name) {
      if (bytes.length > textBytesMax) throw refused(name, "it is too long");
      return Buffer.from(bytes, "latin1").toString("utf8");
    },
  };
}

/** A whole number. */
export function integerField(
  description: string,
  { min, max, usual }: { readonly min: number; readonly max: number; readonly usual: number },
): QueryField<number> {
  return {
    json: { type: "integer", minimum: min, maximum: max, default: usual },
    description,
    isRequired: false,
    read(bytes, name) {
      if (bytes === undefined) return usual;
      const value = /^-?\d{1,15}$/.test(bytes) ? Number(bytes) : Number.NaN;
      if (!(value >= min && value <= max)) throw refused(name, `it is not between ${min} and ${max}`);
      return value;
    },
  };
}

/** One of some words; the first when nothing is given. */
export function wordField<const Word extends string>(
  words: readonly [Word, ...Word[]],
  description: string,
): QueryField<Word> {
  return {
    json: { type: "string", enum: words, default: words[0] },
    description,
    isRequired: false,
    read(bytes, name) {
      if (bytes === undefined) return words[0];
      const found = words.find((each) => each === bytes);
      if (found === undefined) throw refused(name, `it is none of ${words.join(", ")}`);
      return found;
    },
  };
}

function refused(name: string, reason: string): HoldfastError {
  return new HoldfastError("invalid", `Cannot use the parameter ${name}: ${reason}`);
}
