/**
 * Every maximum of the format. A reader refuses what exceeds them before it allocates.
 *
 * @see FORMAT.md, Limits
 */
export const formatLimits = {
  configBytes: 64 * 1024,
  keySlotBytes: 64 * 1024,
  logEntryBytes: 16 * 1024 * 1024,
  stateOuterBytes: 256 * 1024 * 1024,
  packBytes: 1024 * 1024 * 1024,
  segmentPlainBytes: 64 * 1024 * 1024,
  blobBytes: 32 * 1024 * 1024,
  treeNodeBytes: 16 * 1024 * 1024,
  nameBytes: 4096,
  pathBytes: 1024 * 1024,
  chunksInline: 64,
} as const;
