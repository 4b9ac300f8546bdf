/**
 * Every maximum of the format. A reader refuses what exceeds them before it allocates.
 *
 * @see FORMAT.md, Limits
 */
export const formatLimits = {
  configBytes: 64 * 1024,
  keySlotBytes: 64 * 1024,
  logEntryBytes: 16 * 1024 * 1024,
  /** Head of a state: about 10 TB in one session with segments of 1 MiB, more with larger ones. */
  stateHeadBytes: 1024 * 1024 * 1024,
  /** A part of checkpoints, head and sections. */
  checkpointPartBytes: 256 * 1024 * 1024,
  packBytes: 1024 * 1024 * 1024,
  segmentPlainBytes: 64 * 1024 * 1024,
  blobBytes: 32 * 1024 * 1024,
  treeNodeBytes: 16 * 1024 * 1024,
  nameBytes: 4096,
  pathBytes: 1024 * 1024,
  /** Rows of the blob index that one state adds. */
  indexRows: 64 * 1024 * 1024,
  /** Seconds of a time in a tree, before and after 1970: differences of two of them fit a varint. */
  timeSeconds: 2 ** 50,
} as const;
