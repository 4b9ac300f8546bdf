import { HoldfastError } from "#shared/errors.ts";
import { queryValues } from "#gateway/http/directory-query.ts";
import { apiErrorBody, apiHeaders, jsonResponse } from "./api-error.ts";
import type { ApiContext, ApiRoute, StreamingRoute } from "./api-route.ts";
import { lineStream } from "./line-stream.ts";

/** Streams that are made at once; whoever asks for more is told to come back. */
const streamsMax = 16;
let streams = 0;

/**
 * What a route answers to a request.
 *
 * @throws {HoldfastError} invalid: a parameter is wrong or unknown; unavailable: too much is under way; and what the route throws
 */
export async function answerRoute(route: ApiRoute, url: string, context: ApiContext): Promise<Response> {
  const query = readQuery(route, url);
  if (route.kind === "answer") return jsonResponse(await route.run(query, context));
  return new Response(await stream(route, query, context), { headers: apiHeaders("application/x-ndjson") });
}

function readQuery(route: ApiRoute, url: string): Record<string, unknown> {
  const given = queryValues(url);
  for (const name of given.keys()) {
    if (name !== "" && !Object.hasOwn(route.query, name)) {
      throw new HoldfastError(
        "invalid",
        `Cannot use the parameter ${JSON.stringify(name.slice(0, 40))}: it is not known`,
      );
    }
  }
  return Object.fromEntries(
    Object.entries(route.query).map(([name, field]) => [name, field.read(given.get(name), name)]),
  );
}

async function stream(
  route: StreamingRoute,
  query: Record<string, unknown>,
  context: ApiContext,
): Promise<ReadableStream<Uint8Array>> {
  if (streams >= streamsMax) throw new HoldfastError("unavailable", "Cannot begin: too many searches are under way");
  streams++;
  return lineStream(
    (push, signal) => route.run(query, context, push, signal).finally(() => streams--),
    (error) => apiErrorBody(error),
  );
}
