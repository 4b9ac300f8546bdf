import { HoldfastError } from "#shared/errors.ts";
import type { OptionRow } from "./option-row.ts";

const sizeUnits: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };
const durationUnits: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/**
 * Reads the value given to an option: text as it is, a count, bytes, milliseconds or percent as a number.
 *
 * @throws {HoldfastError} invalid: the text has not the form of the option's type, or is none of its choices
 */
export function parseOptionValue(row: OptionRow, text: string): string | number {
  switch (row.type) {
    case "count":
      return /^\d{1,15}$/.test(text) ? Number(text) : refuse(row, text, "a whole number");
    case "percent": {
      const percent = /^\d{1,3}(\.\d{1,6})?%?$/.test(text) ? Number.parseFloat(text) : 0;
      return percent > 0 && percent <= 100 ? percent : refuse(row, text, "a number above 0 and up to 100");
    }
    case "size": {
      const match = /^(\d{1,15})([KMGT]?)(?:iB|B)?$/i.exec(text);
      const bytes = match ? Number(match[1]) * sizeUnits[match[2]!.toUpperCase()]! : Number.NaN;
      return Number.isSafeInteger(bytes) ? bytes : refuse(row, text, "a size such as 512K or 16M");
    }
    case "duration": {
      const match = /^(\d{1,9})([smhdw])$/.exec(text);
      return match ? Number(match[1]) * durationUnits[match[2]!]! : refuse(row, text, "a duration such as 36h or 30d");
    }
    case "text":
      if (row.choices && !row.choices.includes(text)) return refuse(row, text, `one of: ${row.choices.join(", ")}`);
      return text;
    case "flag":
      throw new HoldfastError("invalid", `Cannot use the value of --${row.name}: it takes none`);
  }
}

function refuse(row: OptionRow, text: string, wanted: string): never {
  throw new HoldfastError("invalid", `Cannot use --${row.name}=${text}: it is not ${wanted}`);
}
