/**
 * One option of the command line. A table of rows drives parsing, the type of the parsed values, usage errors and the
 * manual, so that they cannot disagree.
 */
export type OptionRow = {
  /** The long name, without dashes. */
  readonly name: string;
  /** One letter, without its dash. */
  readonly short?: string;
  readonly type: OptionType;
  /** What the manual calls the value: `DIR`, `N`. Needed for every type but `flag`. */
  readonly value?: string;
  /** The words that a `text` value must be one of. */
  readonly choices?: readonly string[];
  readonly repeatable?: boolean;
  /** One sentence for the manual. */
  readonly description: string;
};

/**
 * The form of an option's value: none (`flag`), any text, a whole number >= 0 (`count`), bytes such as `512K` or `16M`
 * (`size`), milliseconds such as `36h` or `30d` (`duration`), or 0 < p <= 100 (`percent`).
 */
export type OptionType = "flag" | "text" | "count" | "size" | "duration" | "percent";

/** What one option parses to. */
export type OptionValue = boolean | string | number | readonly string[] | undefined;

/** The parsed values of a table of options, by long name. Options that were not given are `false`, `[]` or `undefined`. */
export type OptionValues<Rows extends readonly OptionRow[]> = {
  readonly [Row in Rows[number] as Row["name"]]: Row extends { readonly type: "flag" }
    ? boolean
    : Row extends { readonly repeatable: true }
      ? readonly string[]
      : Row extends { readonly type: "text" }
        ? string | undefined
        : number | undefined;
};
