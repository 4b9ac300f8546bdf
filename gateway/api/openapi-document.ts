import { apiErrorSchema } from "./api-error.ts";
import type { ApiRoute } from "./api-route.ts";
import { apiRoutes } from "./api-routes.ts";
import type { JsonSchema } from "./schema.ts";
import { credentialsSchema, sessionSchema } from "./session-schema.ts";

const errors = {
  "400": "A parameter is wrong.",
  "401": "Nobody is logged in.",
  "403": "It may not be seen.",
  "404": "Nothing is there.",
  "429": "Too many requests, or wrong passwords.",
  "502": "Stored bytes do not verify.",
  "503": "The store does not answer, or too much is under way.",
} as const;

/** The API as an OpenAPI 3.1 document, made of the routes themselves. Paths are relative to where the web UI is served. */
export function openapiDocument(): JsonSchema {
  const paths: Record<string, unknown> = {
    "/api/session": {
      get: operation("session", "Who is logged in.", "Answers without a login too.", [], json(sessionSchema.json)),
    },
    "/api/login": {
      post: {
        ...operation(
          "login",
          "Logs in.",
          "A user and a password; a token is the password of the user `token`. Sets a cookie that scripts cannot read.",
          [],
          json(sessionSchema.json),
        ),
        requestBody: { required: true, content: { "application/json": { schema: credentialsSchema.json } } },
      },
    },
    "/api/logout": { post: operation("logout", "Logs out.", "", [], json(sessionSchema.json)) },
  };
  for (const route of apiRoutes) paths[`/api/${route.name}`] = { get: describe(route) };
  return {
    openapi: "3.1.0",
    info: {
      title: "Holdfast",
      version: "1",
      description:
        "What the web UI asks. Read-only. Content and archives are at `files/…`, as plain HTTP gives them: ranges, `?tar`, `?zip`, `?download`.",
    },
    servers: [{ url: "." }],
    security: [{ cookie: [] }, { basic: [] }, { bearer: [] }, {}],
    components: {
      securitySchemes: {
        cookie: { type: "apiKey", in: "cookie", name: "holdfast-ui" },
        basic: { type: "http", scheme: "basic" },
        bearer: { type: "http", scheme: "bearer" },
      },
      schemas: { Error: apiErrorSchema.json },
    },
    paths,
  };
}

function describe({ name, summary, description, query, answer, kind }: ApiRoute): JsonSchema {
  const parameters = Object.entries(query).map(([each, field]) => ({
    name: each,
    in: "query",
    required: field.isRequired,
    description: field.description,
    schema: field.json,
  }));
  const isStream = kind === "stream";
  const content = isStream ? { "application/x-ndjson": { schema: answer.json } } : json(answer.json);
  const more = isStream
    ? ' A stream: each line is one object of the schema; where it fails on the way, the last line is `{"error": …}`.'
    : "";
  return operation(name, summary, description + more, parameters, content);
}

function operation(
  operationId: string,
  summary: string,
  description: string,
  parameters: readonly unknown[],
  content: JsonSchema,
): JsonSchema {
  const failures = Object.entries(errors).map(([status, reason]) => [
    status,
    { description: reason, content: json({ $ref: "#/components/schemas/Error" }) },
  ]);
  return {
    operationId,
    summary,
    ...(description === "" ? {} : { description }),
    parameters,
    responses: { "200": { description: "The answer.", content }, ...Object.fromEntries(failures) },
  };
}

function json(schema: JsonSchema): JsonSchema {
  return { "application/json": { schema } };
}
