import { type Clock, systemClock } from "#shared/clock.ts";
import type { HoldfastError } from "#shared/errors.ts";
import type { EntryError, Notice, Progress, Report } from "#shared/operations/progress.ts";
import { describeEntryError } from "./describe-entry-error.ts";
import { describeFailure } from "./describe-failure.ts";
import { describeNotice } from "./describe-notice.ts";
import { describeReport } from "./describe-report.ts";
import { ProgressView } from "./progress-view.ts";
import type { JsonRecord, Renderer, Sink } from "./renderer.ts";
import { shortenPath } from "./shorten-path.ts";
import { systemTicker, type Ticker } from "./ticker.ts";

const intervalMs = 100;
/** Lines that wait for the next redraw are written early once they reach this length. */
const pendingCharactersMax = 65_536;
const barColumnsMax = 30;

const control = { up: "\x1b[A", eraseDown: "\x1b[J", hideCursor: "\x1b[?25l", showCursor: "\x1b[?25h" };
const style = { green: "\x1b[32m", red: "\x1b[31m", dim: "\x1b[2m", bold: "\x1b[1m", reset: "\x1b[0m" };

/**
 * The live view on a terminal: three lines at the bottom, redrawn at most ten times a second (bar and share; counters;
 * transfers and the path in hand), with notices and errors scrolling above. Everything is cut to the terminal's width, so that no line
 * wraps. The cursor is hidden while the view stands, and is back after `close`.
 */
export class LiveRenderer implements Renderer {
  readonly #out: Sink;
  readonly #err: Sink;
  readonly #clock: Clock;
  readonly #ticker: Ticker;
  readonly #color: boolean;
  #progress: Progress | undefined;
  #view: ProgressView | undefined;
  #linesDrawn = 0;
  #pending = "";
  #stop: () => void = () => {};

  constructor(options: { out: Sink; err: Sink; color: boolean; clock?: Clock; ticker?: Ticker }) {
    this.#out = options.out;
    this.#err = options.err;
    this.#color = options.color;
    this.#clock = options.clock ?? systemClock;
    this.#ticker = options.ticker ?? systemTicker;
  }

  start(progress: Progress): void {
    this.close();
    this.#progress = progress;
    this.#view = new ProgressView(progress, this.#clock.nowMs());
    this.#err.write(control.hideCursor);
    this.#draw();
    this.#stop = this.#ticker(intervalMs, () => this.#draw());
  }

  notice(notice: Notice): void {
    this.#above(this.#paint(notice.level === "warning" ? "bold" : undefined, describeNotice(notice)));
  }

  entryError(error: EntryError): void {
    this.#above(this.#paint("red", describeEntryError(error)));
  }

  finish(report: Report): void {
    this.close();
    const [first = "", ...facts] = describeReport(report);
    const color = report.outcome === "ok" ? "green" : "red";
    this.#err.write(`${[this.#paint(color, first), ...facts].join("\n")}\n`);
  }

  result(_event: string, _value: JsonRecord, text: string): void {
    this.#err.write(this.#erase());
    this.#out.write(`${text}\n`);
  }

  heading(text: string): void {
    this.#err.write(this.#erase());
    this.#out.write(`${text}\n`);
  }

  columns(): number | undefined {
    return this.#out.columns();
  }

  aside(message: string): void {
    this.notice({ level: "warning", message });
  }

  failure(error: HoldfastError): void {
    this.close();
    const [first = "", ...rest] = describeFailure(error);
    this.#err.write(`${[this.#paint("red", first), ...rest].join("\n")}\n`);
  }

  close(): void {
    this.#stop();
    this.#stop = () => {};
    if (this.#progress === undefined) {
      if (this.#pending !== "") this.#err.write(this.#takePending());
      return;
    }
    this.#progress = undefined;
    this.#view = undefined;
    this.#err.write(`${this.#erase()}${this.#takePending()}${control.showCursor}`);
  }

  #above(line: string): void {
    this.#pending += `${line}\n`;
    if (this.#progress === undefined) this.#err.write(this.#takePending());
    else if (this.#pending.length > pendingCharactersMax) this.#draw();
  }

  #takePending(): string {
    const pending = this.#pending;
    this.#pending = "";
    return pending;
  }

  #erase(): string {
    const lines = this.#linesDrawn;
    this.#linesDrawn = 0;
    return lines === 0 ? "" : `\r${control.up.repeat(lines)}${control.eraseDown}`;
  }

  #draw(): void {
    const progress = this.#progress;
    const view = this.#view;
    if (!progress || !view) return;
    const nowMs = this.#clock.nowMs();
    view.observe(nowMs);
    const columns = Math.max(10, (this.#err.columns() ?? 80) - 1);
    const transfers = shortenEnd(`${view.transfers()}  `, columns - 2);
    const lines = [
      this.#headLine(progress, view, columns),
      shortenEnd(`  ${view.counters(nowMs)}`, columns),
      this.#paint("dim", `  ${transfers}${view.path(columns - transfers.length - 2)}`),
    ];
    const frame = `${this.#erase()}${this.#takePending()}${lines.join("\n")}\n`;
    this.#linesDrawn = lines.length;
    this.#err.write(frame);
  }

  #headLine(progress: Progress, view: ProgressView, columns: number): string {
    const share = view.share();
    const title = shortenPath(`${progress.operation} ${progress.phase}`, columns);
    const percent = share === undefined ? "" : `${String(Math.floor(share * 100)).padStart(3)}%`;
    const barColumns = Math.min(barColumnsMax, columns - title.length - percent.length - 3);
    if (share === undefined || barColumns < 5) return shortenEnd(`${title} ${percent}`.trimEnd(), columns);
    const filled = Math.floor(share * barColumns);
    const bar = this.#paint("green", "━".repeat(filled)) + this.#paint("dim", "─".repeat(barColumns - filled));
    return `${this.#paint("bold", title)} ${bar} ${percent}`;
  }

  #paint(name: keyof typeof style | undefined, text: string): string {
    return this.#color && name !== undefined && text !== "" ? `${style[name]}${text}${style.reset}` : text;
  }
}

/** Our own words, one column a character, cut at the end. */
function shortenEnd(text: string, columnsMax: number): string {
  return text.length <= columnsMax ? text : `${text.slice(0, columnsMax - 1)}…`;
}
