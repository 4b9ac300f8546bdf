import { type Clock, systemClock } from "#shared/clock.ts";
import type { HoldfastError } from "#shared/errors.ts";
import type { EntryError, Notice, Progress, Report } from "#shared/operations/progress.ts";
import { describeEntryError } from "./describe-entry-error.ts";
import { describeFailure } from "./describe-failure.ts";
import { describeNotice } from "./describe-notice.ts";
import { describeReport } from "./describe-report.ts";
import { ProgressView } from "./progress-view.ts";
import type { JsonRecord, Renderer, Sink } from "./renderer.ts";
import { systemTicker, type Ticker } from "./ticker.ts";

const intervalMs = 30_000;

/** Plain lines for logs, pipes and `--stdio`: a line of progress every 30 seconds, no control characters. */
export class LineRenderer implements Renderer {
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
    const view = new ProgressView(progress, this.#clock.nowMs());
    this.#stop = this.#ticker(intervalMs, () => {
      const nowMs = this.#clock.nowMs();
      view.observe(nowMs);
      const share = view.share();
      const percent = share === undefined ? "" : `${Math.floor(share * 100)}% · `;
      this.#line(`${progress.operation}: ${progress.phase} · ${percent}${view.counters(nowMs)} · ${view.transfers()}`);
    });
  }

  notice(notice: Notice): void {
    this.#line(describeNotice(notice));
  }

  entryError(error: EntryError): void {
    this.#line(describeEntryError(error));
  }

  finish(report: Report): void {
    this.#stop();
    this.#line(describeReport(report).join("\n"));
  }

  result(_event: string, _value: JsonRecord, text: string): void {
    this.#out.write(`${text}\n`);
  }

  heading(text: string): void {
    this.#out.write(`${text}\n`);
  }

  columns(): number | undefined {
    return this.#out.columns();
  }

  aside(message: string): void {
    this.notice({ level: "warning", message });
  }

  failure(error: HoldfastError): void {
    this.#stop();
    this.#line(describeFailure(error).join("\n"));
  }

  close(): void {
    this.#stop();
  }

  #line(text: string): void {
    this.#err.write(`${text}\n`);
  }
}
