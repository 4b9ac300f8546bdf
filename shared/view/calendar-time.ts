const secondsPerDay = 86_400;
/** Days of the 400 years after which the calendar repeats. */
const daysPerEra = 146_097;
/** Days from 1 March of the year 0 to 1970. */
const daysTo1970 = 719_468;

/**
 * A moment in UTC as ISO 8601 writes it: `2026-11-20T04:41:07`. Years before 0 and after 9999 have a sign and at least six digits.
 *
 * `Date` ends at 8.64e12 seconds; filesystems keep any 64-bit time.
 *
 * @param seconds - whole seconds since 1970, exact below 2^53
 * @see "chrono-Compatible Low-Level Date Algorithms" by Howard Hinnant, `civil_from_days`
 */
export function calendarTime(seconds: number): string {
  const days = Math.floor(seconds / secondsPerDay);
  const { year, month, day } = dateOf(days);
  const second = seconds - days * secondsPerDay;
  const clock = [second / 3600, (second / 60) % 60, second % 60].map((each) => digits(Math.floor(each), 2));
  const date = [yearText(year), digits(month, 2), digits(day, 2)];
  return `${date.join("-")}T${clock.join(":")}`;
}

/** As `calendarTime`, from milliseconds and with them, as `Date` writes it: `2026-11-20T04:41:07.120Z`. */
export function calendarTimeMs(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${calendarTime(seconds)}.${digits(ms - seconds * 1000, 3)}Z`;
}

function dateOf(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const fromMarch = days + daysTo1970;
  const era = Math.floor(fromMarch / daysPerEra);
  const dayOfEra = fromMarch - era * daysPerEra;
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return { year: era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day };
}

function yearText(year: number): string {
  if (year >= 0 && year <= 9999) return digits(year, 4);
  return `${year < 0 ? "-" : "+"}${digits(Math.abs(year), 6)}`;
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, "0");
}
