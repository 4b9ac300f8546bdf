import { appendEntry, type Appended, type Appender } from "#shared/log/append-entry.ts";

/**
 * Sets the grace period of a store by one log entry, for all maintainers from then on. Also for what is condemned already.
 *
 * @param graceMs - milliseconds
 * @param configGraceMs - that of the store's config, which holds as long as no entry set another
 * @returns `appended` false when it was that already
 * @throws {HoldfastError} as `appendEntry`
 */
export function setGracePeriod(appender: Appender, graceMs: number, configGraceMs: number): Promise<Appended> {
  return appendEntry(appender, (state) =>
    (state.graceMs ?? configGraceMs) === graceMs ? [] : [{ type: "settings", graceMs }],
  );
}
