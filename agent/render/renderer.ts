import type { HoldfastError } from "#shared/errors.ts";
import type { Reporter } from "#shared/operations/progress.ts";

/** A value that JSON can carry. Binary strings never enter it as they are: see `jsonName`. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonRecord;

/** A JSON object. Members that are undefined are left out. */
export type JsonRecord = { readonly [name: string]: JsonValue | undefined };

/**
 * How one run of the program shows itself. Every command speaks to this, and never to a stream.
 *
 * Answers (what was asked for) go to standard output; progress, notices and errors go to standard error, except in JSON,
 * where everything is one stream of events on standard output.
 */
export interface Renderer extends Reporter {
  /**
   * One item of the answer.
   *
   * @param event - the name of the JSON event
   * @param value - its members
   * @param text - the same for people, without a closing newline; names in it are in display form already
   */
  result(event: string, value: JsonRecord, text: string): void;
  /** The heading of a table whose rows are results, for people only: not in JSON, and not with --quiet. */
  heading(text: string): void;
  /** Columns of the terminal that shows results; undefined where standard output is no terminal. */
  columns(): number | undefined;
  /** A warning to standard error in every form: about what must not be lost where standard output is. */
  aside(message: string): void;
  /** The run failed with `error`. */
  failure(error: HoldfastError): void;
  /** Writes what is pending and gives the terminal back. May be called more than once. */
  close(): void;
}

/** Where a renderer writes. Writes are in order and never throw. */
export interface Sink {
  write(text: string): void;
  /** Columns of the terminal now, or undefined when the sink is no terminal. */
  columns(): number | undefined;
}
