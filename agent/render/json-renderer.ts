import { type Clock, systemClock } from "#shared/clock.ts";
import { errorKinds, type HoldfastError } from "#shared/errors.ts";
import type { EntryError, Notice, Progress, Report } from "#shared/operations/progress.ts";
import { describeNotice } from "./describe-notice.ts";
import { jsonName, jsonText } from "./json-text.ts";
import { ProgressView } from "./progress-view.ts";
import type { JsonRecord, Renderer, Sink } from "./renderer.ts";
import { systemTicker, type Ticker } from "./ticker.ts";

const intervalMs = 1000;

/**
 * `--json`: one JSON object a line on standard output, each with `event` first. The events are those of `help json`
 * (`json-events.ts`). Progress comes once a second.
 */
export class JsonRenderer implements Renderer {
  readonly #out: Sink;
  readonly #err: Sink;
  readonly #clock: Clock;
  readonly #ticker: Ticker;
  #stop: () => void = () => {};

  constructor(out: Sink, err: Sink, clock: Clock = systemClock, ticker: Ticker = systemTicker) {
    this.#out = out;
    this.#err = err;
    this.#clock = clock;
    this.#ticker = ticker;
  }

  start(progress: Progress): void {
    this.#stop();
    const startMs = this.#clock.nowMs();
    const view = new ProgressView(progress, startMs);
    this.#event("start", { operation: progress.operation, timeMs: startMs });
    this.#stop = this.#ticker(intervalMs, () => {
      const nowMs = this.#clock.nowMs();
      view.observe(nowMs);
      this.#event("progress", {
        operation: progress.operation,
        phase: progress.phase,
        entriesDone: progress.entriesDone,
        entriesTotal: progress.entriesTotal,
        bytesDone: progress.bytesDone,
        bytesTotal: progress.bytesTotal,
        bytesStored: progress.bytesStored,
        bytesReused: progress.bytesReused,
        errors: progress.errors,
        bytesPerSecond: rounded(view.bytesPerSecond()),
        remainingMs: rounded(view.remainingMs()),
        ...(progress.currentPath === "" ? {} : jsonName("path", progress.currentPath)),
      });
    });
  }

  notice(notice: Notice): void {
    this.#event("notice", {
      level: notice.level,
      message: notice.message,
      ...(notice.path === undefined ? {} : jsonName("path", notice.path)),
    });
  }

  entryError(error: EntryError): void {
    this.#event("entryError", { kind: error.kind, message: error.message, ...jsonName("path", error.path) });
  }

  finish(report: Report): void {
    this.#stop();
    const { operation, outcome, ending, facts } = report;
    this.#event("report", { operation, outcome, ...(ending === undefined ? {} : { ending }), ...facts });
  }

  result(event: string, value: JsonRecord): void {
    this.#event(event, value);
  }

  heading(): void {}

  columns(): number | undefined {
    return this.#out.columns();
  }

  aside(message: string): void {
    this.#err.write(`${describeNotice({ level: "warning", message })}\n`);
  }

  failure(error: HoldfastError): void {
    this.#stop();
    const { exitCode } = errorKinds[error.kind];
    const { kind, message, hint, detail } = error;
    this.#event("failure", { kind, exitCode, message, hint, detail });
  }

  close(): void {
    this.#stop();
  }

  #event(event: string, members: JsonRecord): void {
    this.#out.write(`${jsonText({ event, ...members })}\n`);
  }
}

function rounded(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value);
}
