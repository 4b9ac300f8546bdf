/** What a caller may see. Every member narrows it; an empty grant shows all that is mounted. */
export type Grant = {
  /** Snapshots of these hosts only. */
  readonly hosts?: readonly string[] | undefined;
  /** Snapshots of these names only. */
  readonly names?: readonly string[] | undefined;
  /** Snapshots with all of these tags only. */
  readonly tags?: readonly string[] | undefined;
  /** Snapshots whose ids begin with one of these only. */
  readonly snapshots?: readonly string[] | undefined;
  /** Of each snapshot only what lies below this absolute path, a binary string; the directories on the way to it show nothing else. */
  readonly directory?: string | undefined;
};

/** The grant that shows all. */
export const everything: Grant = {};
