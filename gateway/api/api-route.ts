import type { Clock } from "#shared/clock.ts";
import type { View } from "#shared/view/view.ts";
import type { Mount } from "#gateway/mount.ts";
import type { QueryFields, QueryOf } from "./query-field.ts";
import type { Schema } from "./schema.ts";

/** What a route may ask. */
export type ApiContext = {
  /** The mount as the caller may see it. */
  readonly view: View;
  readonly mount: Mount;
  readonly clock: Clock;
};

/** Sends a line; resolves when there is room for the next. */
export type Push<Line> = (line: Line) => Promise<void>;

/** What a route says of itself. */
type Described<Fields extends QueryFields, Value> = {
  /** Below `api/`, without a slash. */
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly query: Fields;
  /** What it answers; of a stream, each line. */
  readonly answer: Schema<Value>;
};

/** A question of the API that has one answer. */
export type AnsweringRoute = Described<QueryFields, unknown> & {
  readonly kind: "answer";
  run(query: Readonly<Record<string, unknown>>, context: ApiContext): Promise<unknown>;
};

/** A question whose answer comes line by line, and can be broken off. */
export type StreamingRoute = Described<QueryFields, unknown> & {
  readonly kind: "stream";
  run(
    query: Readonly<Record<string, unknown>>,
    context: ApiContext,
    push: Push<unknown>,
    signal: AbortSignal,
  ): Promise<void>;
};

/** A question of the API: GET, answered in JSON. */
export type ApiRoute = AnsweringRoute | StreamingRoute;

/** Defines a question that has one answer. */
export function answeringRoute<const Fields extends QueryFields, Value>(
  route: Described<Fields, Value> & { run(query: QueryOf<Fields>, context: ApiContext): Promise<Value> },
): AnsweringRoute {
  return { ...route, kind: "answer", run: (query, context) => route.run(query as QueryOf<Fields>, context) };
}

/**
 * Defines a question that is answered line by line (newline-delimited JSON). `run` ends when all is told; a failure after the first line
 * is told as a line `{ "error": … }`.
 */
export function streamingRoute<const Fields extends QueryFields, Line>(
  route: Described<Fields, Line> & {
    run(query: QueryOf<Fields>, context: ApiContext, push: Push<Line>, signal: AbortSignal): Promise<void>;
  },
): StreamingRoute {
  return {
    ...route,
    kind: "stream",
    run: (query, context, push, signal) => route.run(query as QueryOf<Fields>, context, push, signal),
  };
}
