/** A moment for people, to the second, in the machine's time zone with its offset: `2026-11-20 04:41:07 +01:00`. */
export function formatTime(timeMs: number): string {
  const date = new Date(timeMs);
  const offsetMinutes = -date.getTimezoneOffset();
  const local = new Date(timeMs + offsetMinutes * 60_000).toISOString();
  const ahead = Math.abs(offsetMinutes);
  const offset = `${offsetMinutes < 0 ? "-" : "+"}${pair(Math.floor(ahead / 60))}:${pair(ahead % 60)}`;
  return `${local.slice(0, 10)} ${local.slice(11, 19)} ${offset}`;
}

function pair(value: number): string {
  return String(value).padStart(2, "0");
}
