/** JSON Schema, as far as the API needs it. */
export type JsonSchema = { readonly [member: string]: unknown };

/** A shape of JSON: its description for the document, and its type for the compiler. */
export type Schema<Value> = {
  readonly json: JsonSchema;
  /** Never there; carries the type. */
  readonly value?: Value;
};

/** The type that a schema describes. */
export type ValueOf<Of> = Of extends Schema<infer Value> ? Value : never;

type Fields = Readonly<Record<string, Schema<unknown>>>;

/** A text. */
export const text = (description: string): Schema<string> => ({ json: { type: "string", description } });
/** A whole number. */
export const integer = (description: string): Schema<number> => ({ json: { type: "integer", description } });
/** A number. */
export const number = (description: string): Schema<number> => ({ json: { type: "number", description } });
/** True or false. */
export const flag = (description: string): Schema<boolean> => ({ json: { type: "boolean", description } });

/** One of some words. */
export function word<const Word extends string>(words: readonly Word[], description: string): Schema<Word> {
  return { json: { type: "string", enum: words, description } };
}

/** A list of things of one shape. */
export function list<Value>(items: Schema<Value>, description: string): Schema<readonly Value[]> {
  return { json: { type: "array", items: items.json, description } };
}

/** A shape, or null. */
export function nullable<Value>(schema: Schema<Value>): Schema<Value | null> {
  return { json: { anyOf: [schema.json, { type: "null" }] } };
}

/** An object; every member is always there. */
export function object<const Of extends Fields>(
  fields: Of,
  description = "",
): Schema<{ readonly [Name in keyof Of]: ValueOf<Of[Name]> }> {
  return {
    json: {
      type: "object",
      ...(description === "" ? {} : { description }),
      properties: Object.fromEntries(Object.entries(fields).map(([name, schema]) => [name, schema.json])),
      required: Object.keys(fields),
      additionalProperties: false,
    },
  };
}

/** One of several shapes: each an object of one member, whose name tells which. */
export function lineOf<const Of extends Fields>(
  fields: Of,
): Schema<{ readonly [Name in keyof Of]: { readonly [Only in Name]: ValueOf<Of[Name]> } }[keyof Of]> {
  return { json: { oneOf: Object.entries(fields).map(([name, schema]) => object({ [name]: schema }).json) } };
}
