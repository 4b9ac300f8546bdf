import { calendarTime } from "#shared/view/calendar-time.ts";

/** A moment for people, to the second, in the machine's time zone with its offset: `2026-11-20 04:41:07 +01:00`. */
export function formatTime(timeMs: number): string {
  return formatSeconds(Math.floor(timeMs / 1000));
}

/** As `formatTime`, from seconds since 1970, any that a filesystem keeps. What is too far for a time zone is in UTC. */
export function formatSeconds(seconds: number): string {
  const offsetMinutes = offsetOf(seconds);
  const [date, time] = calendarTime(seconds + offsetMinutes * 60).split("T");
  const ahead = Math.abs(offsetMinutes);
  return `${date} ${time} ${offsetMinutes < 0 ? "-" : "+"}${pair(Math.floor(ahead / 60))}:${pair(ahead % 60)}`;
}

function offsetOf(seconds: number): number {
  const minutes = Math.round(new Date(seconds * 1000).getTimezoneOffset());
  return Number.isNaN(minutes) ? 0 : -minutes;
}

function pair(value: number): string {
  return String(value).padStart(2, "0");
}
