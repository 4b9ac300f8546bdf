/** How long maintenance waits, and when it stops to ask. */
export type MaintenancePolicy = {
  /**
   * The grace period of the store's config, milliseconds: a condemned pack is swept that long after its condemnation. A `settings` event of
   * the log has precedence.
   */
  readonly graceMs: number;
  /**
   * How long an object that no published state names may be that of a backup under way, milliseconds. Older ones are orphans. Where the store
   * tells no times, an orphan is condemned when it is first seen, and swept when it has been condemned for this time and the grace period.
   */
  readonly orphanAgeMs: number;
  /** Share of the bytes in use, 0 to 1, that one run condemns at most. */
  readonly limitShare: number;
};

/**
 * Longest a backup is taken to run before its uploads count as abandoned: a day. A slower one loses nothing: its packs are condemned at
 * most, for the grace period, and its commit revives them.
 */
export const defaultOrphanAgeMs = 24 * 3_600_000;

/** Half of a store: what retention takes in one run is far less; a wrong command, a log that was set back or a fault takes more. */
export const defaultLimitShare = 0.5;
