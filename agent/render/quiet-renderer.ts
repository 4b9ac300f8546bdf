import type { HoldfastError } from "#shared/errors.ts";
import type { EntryError, Notice } from "#shared/operations/progress.ts";
import { describeEntryError } from "./describe-entry-error.ts";
import { describeFailure } from "./describe-failure.ts";
import { describeNotice } from "./describe-notice.ts";
import type { JsonRecord, Renderer, Sink } from "./renderer.ts";

/** `--quiet`: the answer on standard output; on standard error nothing but warnings, entry errors and failures. */
export class QuietRenderer implements Renderer {
  readonly #out: Sink;
  readonly #err: Sink;

  constructor(out: Sink, err: Sink) {
    this.#out = out;
    this.#err = err;
  }

  start(): void {}

  notice(notice: Notice): void {
    if (notice.level === "warning") this.#err.write(`${describeNotice(notice)}\n`);
  }

  entryError(error: EntryError): void {
    this.#err.write(`${describeEntryError(error)}\n`);
  }

  finish(): void {}

  result(_event: string, _value: JsonRecord, text: string): void {
    this.#out.write(`${text}\n`);
  }

  heading(): void {}

  columns(): number | undefined {
    return this.#out.columns();
  }

  aside(message: string): void {
    this.notice({ level: "warning", message });
  }

  failure(error: HoldfastError): void {
    this.#err.write(`${describeFailure(error).join("\n")}\n`);
  }

  close(): void {}
}
