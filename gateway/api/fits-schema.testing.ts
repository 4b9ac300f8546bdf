import type { JsonSchema } from "./schema.ts";

/** What of a value does not fit a JSON Schema, as far as the API uses them; nothing when it fits. */
export function misfits(schema: JsonSchema, value: unknown, where = "$"): string[] {
  const any = (schema["anyOf"] ?? schema["oneOf"]) as readonly JsonSchema[] | undefined;
  if (any !== undefined) {
    const tries = any.map((each) => misfits(each, value, where));
    return tries.some((each) => each.length === 0) ? [] : [`${where} fits none: ${tries.flat().join("; ")}`];
  }
  if (schema["enum"] !== undefined) {
    return (schema["enum"] as readonly unknown[]).includes(value) ? [] : [`${where} is ${JSON.stringify(value)}`];
  }
  switch (schema["type"]) {
    case "null":
      return value === null ? [] : [`${where} is not null`];
    case "integer":
      return Number.isSafeInteger(value) ? [] : [`${where} is no integer`];
    case "number":
    case "string":
    case "boolean":
      return typeof value === schema["type"] ? [] : [`${where} is no ${schema["type"]}`];
    case "array":
      if (!Array.isArray(value)) return [`${where} is no list`];
      return value.flatMap((each: unknown, index) =>
        misfits(schema["items"] as JsonSchema, each, `${where}[${index}]`),
      );
    case "object": {
      if (typeof value !== "object" || value === null) return [`${where} is no object`];
      const properties = schema["properties"] as Readonly<Record<string, JsonSchema>>;
      const members = value as Readonly<Record<string, unknown>>;
      return [
        ...Object.keys(members)
          .filter((name) => !(name in properties))
          .map((name) => `${where}.${name} is not known`),
        ...Object.entries(properties).flatMap(([name, each]) => misfits(each, members[name], `${where}.${name}`)),
      ];
    }
    default:
      return [`${where} has no type`];
  }
}
