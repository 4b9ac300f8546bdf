import { useState } from "preact/hooks";
import { formatDay, formatTime } from "./format.ts";

/** A value at a time. */
export type ChartPoint = { readonly ms: number; readonly value: number };

const width = 520;
const height = 190;
const edge = { left: 64, right: 12, top: 14, bottom: 26 };

/** A series over time: a line, filled below, bars, or dots. What the pointer or the arrow keys are at is told in words. */
export function Chart({
  title,
  points,
  format,
  isFilled = false,
  isBars = false,
  isDots = false,
}: {
  readonly title: string;
  readonly points: readonly ChartPoint[];
  readonly format: (value: number) => string;
  readonly isFilled?: boolean;
  readonly isBars?: boolean;
  readonly isDots?: boolean;
}) {
  const [marked, setMarked] = useState<number | undefined>(undefined);
  const firstMs = points[0]?.ms ?? 0;
  const lastMs = points.at(-1)?.ms ?? 0;
  const spanMs = Math.max(1, lastMs - firstMs);
  const top = niceTop(Math.max(...points.map((point) => point.value), 0));
  const x = (ms: number): number => edge.left + ((ms - firstMs) / spanMs) * (width - edge.left - edge.right);
  const y = (value: number): number => height - edge.bottom - (value / top) * (height - edge.top - edge.bottom);
  const line = points
    .map(({ ms, value }, index) => `${index === 0 ? "M" : "L"}${x(ms).toFixed(1)} ${y(value).toFixed(1)}`)
    .join("");
  const shown = points[marked ?? points.length - 1];
  const barWidth = Math.max(1.5, Math.min(14, ((width - edge.left - edge.right) / points.length) * 0.7));
  const markAt = (event: PointerEvent): void => {
    const box = (event.currentTarget as SVGElement).getBoundingClientRect();
    const ms =
      firstMs +
      ((((event.clientX - box.left) / box.width) * width - edge.left) / (width - edge.left - edge.right)) * spanMs;
    let nearest = 0;
    for (const [index, point] of points.entries()) {
      if (Math.abs(point.ms - ms) <= Math.abs((points[nearest]?.ms ?? 0) - ms)) nearest = index;
    }
    setMarked(nearest);
  };
  const onKey = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    setMarked(Math.max(0, Math.min(points.length - 1, (marked ?? points.length - 1) + step)));
  };
  return (
    <figure class="chart">
      <figcaption>
        <span>{title}</span>
        <span class="chart-value" aria-live="polite">
          {shown !== undefined && (
            <>
              <strong>{format(shown.value)}</strong> <span class="muted">{formatTime(shown.ms)}</span>
            </>
          )}
        </span>
      </figcaption>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={`${title}: from ${format(points[0]?.value ?? 0)} to ${format(points.at(-1)?.value ?? 0)}. Arrow keys go through it.`}
        tabindex={0}
        onPointerMove={markAt}
        onPointerLeave={() => setMarked(undefined)}
        onKeyDown={onKey}
      >
        {[0, 0.5, 1].map((part) => (
          <g key={part} class="chart-grid">
            <line x1={edge.left} x2={width - edge.right} y1={y(top * part)} y2={y(top * part)} />
            <text x={edge.left - 8} y={y(top * part) + 4} text-anchor="end">
              {format(top * part)}
            </text>
          </g>
        ))}
        <text class="chart-label" x={edge.left} y={height - 6}>
          {formatDay(firstMs)}
        </text>
        <text class="chart-label" x={width - edge.right} y={height - 6} text-anchor="end">
          {formatDay(lastMs)}
        </text>
        {isBars &&
          points.map(({ ms, value }, index) => (
            <rect
              key={index}
              class="chart-bar"
              x={Math.min(width - edge.right - barWidth, Math.max(edge.left, x(ms) - barWidth / 2))}
              y={y(value)}
              width={barWidth}
              height={Math.max(0, height - edge.bottom - y(value))}
            />
          ))}
        {isDots &&
          points.map(({ ms, value }, index) => (
            <circle key={index} class="chart-dot" cx={x(ms)} cy={y(value)} r={2.5} />
          ))}
        {isFilled && <path class="chart-area" d={`${line}L${x(lastMs)} ${y(0)}L${x(firstMs)} ${y(0)}Z`} />}
        {!isBars && !isDots && <path class="chart-line" d={line} />}
        {marked !== undefined && shown !== undefined && (
          <g class="chart-mark">
            <line x1={x(shown.ms)} x2={x(shown.ms)} y1={edge.top} y2={height - edge.bottom} />
            <circle cx={x(shown.ms)} cy={y(shown.value)} r={4} />
          </g>
        )}
      </svg>
    </figure>
  );
}

/** The least round number that is not less. */
function niceTop(value: number): number {
  if (value <= 0) return 1;
  const step = value >= 1024 ? 1024 ** Math.floor(Math.log(value) / Math.log(1024)) : 1;
  const within = value / step;
  const scale = 10 ** Math.floor(Math.log10(within));
  const nice = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((each) => each * scale >= within) ?? 10;
  return nice * scale * step;
}
