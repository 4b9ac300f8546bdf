const units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** A number of bytes with three digits that count, as "12.3 MiB". */
export function formatBytes(bytes: number): string {
  if (bytes === 1) return "1 byte";
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit] ?? ""}`;
}

const counts = new Intl.NumberFormat("en");
/** A whole number with separators. */
export const formatCount = (count: number): string => counts.format(count);

/** "1 file", "2 files". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

const dayFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const timeFormat = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const farthestMs = 8.64e15;

/** A day, as "20 Nov 2026", in the time zone of the reader. */
export const formatDay = (ms: number): string => (Math.abs(ms) > farthestMs ? "–" : dayFormat.format(ms));
/** A time, as "20 Nov 2026, 07:34". */
export const formatTime = (ms: number): string =>
  Math.abs(ms) > farthestMs ? "–" : `${dayFormat.format(ms)}, ${timeFormat.format(ms)}`;
/** The hour of a time, as "07:34". */
export const formatHour = (ms: number): string => (Math.abs(ms) > farthestMs ? "–" : timeFormat.format(ms));
/** A time to the second in UTC, for titles. */
export const formatExact = (ms: number): string => (Math.abs(ms) > farthestMs ? "–" : new Date(ms).toISOString());

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const spans = [
  ["year", 365 * 86_400_000],
  ["month", 30 * 86_400_000],
  ["week", 7 * 86_400_000],
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;

/** How long ago, as "3 hours ago". */
export function formatAgo(ms: number, nowMs: number): string {
  for (const [unit, span] of spans) {
    const count = Math.trunc((ms - nowMs) / span);
    if (count !== 0) return relative.format(count, unit);
  }
  return "just now";
}

/** How long it took, as "2 min 5 s". */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** Permission bits as `ls` shows them, as "rwxr-sr-x". */
export function formatMode(mode: number): string {
  let text = "";
  for (let bit = 8; bit >= 0; bit--) text += mode & (1 << bit) ? ("xwr"[bit % 3] ?? "") : "-";
  const chars = Array.from(text);
  for (const [flag, at, on, off] of [
    [0o4000, 2, "s", "S"],
    [0o2000, 5, "s", "S"],
    [0o1000, 8, "t", "T"],
  ] as const) {
    if (mode & flag) chars[at] = chars[at] === "x" ? on : off;
  }
  return chars.join("");
}

/** What an entry is, in a word. */
export const typeWords: Readonly<Record<string, string>> = {
  directory: "directory",
  file: "file",
  symlink: "link",
  fifo: "named pipe",
  socket: "socket",
  characterDevice: "character device",
  blockDevice: "block device",
};
