import type { Progress } from "#shared/operations/progress.ts";
import { displayName } from "./display-name.ts";
import { formatBytes } from "./format-bytes.ts";
import { formatCount } from "./format-count.ts";
import { formatDuration } from "./format-duration.ts";
import { RateMeter } from "./rate-meter.ts";
import { shortenPath } from "./shorten-path.ts";

/** Speed, share done and time left of a running operation, from polling its `Progress`. */
export class ProgressView {
  readonly #progress: Progress;
  readonly #startMs: number;
  readonly #bytes = new RateMeter();
  readonly #entries = new RateMeter();
  #bytesPerSecond: number | undefined;
  #entriesPerSecond: number | undefined;

  constructor(progress: Progress, nowMs: number) {
    this.#progress = progress;
    this.#startMs = nowMs;
    this.observe(nowMs);
  }

  /** Takes in the counters at `nowMs`. */
  observe(nowMs: number): void {
    this.#bytesPerSecond = this.#bytes.observe(this.#progress.bytesDone, nowMs);
    this.#entriesPerSecond = this.#entries.observe(this.#progress.entriesDone, nowMs);
  }

  /** The share done, 0 to 1: by bytes where their total is known and not 0, else by entries; undefined when neither is. */
  share(): number | undefined {
    const { bytesDone, bytesTotal, entriesDone, entriesTotal } = this.#progress;
    if (bytesTotal) return Math.min(1, bytesDone / bytesTotal);
    return entriesTotal ? Math.min(1, entriesDone / entriesTotal) : undefined;
  }

  /** Milliseconds that are left at the current speed; undefined while that cannot be said. */
  remainingMs(): number | undefined {
    const { bytesDone, bytesTotal, entriesDone, entriesTotal } = this.#progress;
    const [left, perSecond] = bytesTotal
      ? [bytesTotal - bytesDone, this.#bytesPerSecond]
      : [(entriesTotal ?? Number.NaN) - entriesDone, this.#entriesPerSecond];
    if (!perSecond || Number.isNaN(left)) return undefined;
    return (Math.max(0, left) / perSecond) * 1000;
  }

  /** Bytes of content per second now; undefined while not known. */
  bytesPerSecond(): number | undefined {
    return this.#bytesPerSecond;
  }

  /** Entries, bytes, speed and time in one line: `48,123 / 78,579 entries · 812 MiB / 1.30 GiB · 301 MiB/s · 0:07 left`. */
  counters(nowMs: number): string {
    const { entriesDone, entriesTotal, bytesDone, bytesTotal } = this.#progress;
    const parts = [
      `${ofTotal(entriesDone, entriesTotal, formatCount)} entries`,
      ofTotal(bytesDone, bytesTotal, formatBytes),
    ];
    if (this.#bytesPerSecond !== undefined) parts.push(`${formatBytes(this.#bytesPerSecond)}/s`);
    const remainingMs = this.remainingMs();
    parts.push(
      remainingMs === undefined
        ? formatDuration(nowMs - this.#startMs)
        : `${formatDuration(Math.ceil(remainingMs / 1000) * 1000)} left`,
    );
    return parts.join(" · ");
  }

  /** What moved and what failed: `stored 131 MiB · reused 20.0 MiB · 2 errors`. */
  transfers(): string {
    const { bytesStored, bytesReused, errors } = this.#progress;
    const parts = [`${verbs[this.#progress.operation] ?? "moved"} ${formatBytes(bytesStored)}`];
    if (bytesReused > 0) parts.push(`reused ${formatBytes(bytesReused)}`);
    if (errors > 0) parts.push(`${formatCount(errors)} ${errors === 1 ? "error" : "errors"}`);
    return parts.join(" · ");
  }

  /** The path in hand in at most `columnsMax` columns. */
  path(columnsMax: number): string {
    return shortenPath(displayName(this.#progress.currentPath), columnsMax);
  }
}

const verbs: Readonly<Record<string, string>> = { backup: "stored", restore: "fetched", check: "read" };

function ofTotal(done: number, total: number | undefined, format: (amount: number) => string): string {
  return total === undefined ? format(done) : `${format(done)} / ${format(Math.max(total, done))}`;
}
