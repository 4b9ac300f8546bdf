/** What `--json` may write: for each event, its members and when it comes. `help json` prints it; a test compares it with the code. */
export const jsonEvents: Readonly<Record<string, { readonly members: string; readonly comes: string }>> = {
  start: { members: "operation, timeMs", comes: "when backup, restore, check, maintenance or repair begins" },
  progress: {
    members:
      "operation, phase, entriesDone, entriesTotal?, bytesDone, bytesTotal?, bytesStored, bytesReused, errors, bytesPerSecond?, remainingMs?, path?",
    comes: "once a second while it runs",
  },
  notice: { members: "level (info|warning), message, path?", comes: "when there is something to know" },
  entryError: { members: "kind, message, path", comes: "for each entry that failed" },
  report: {
    members: "operation, outcome (ok|partial|corrupt), ending? (in words), and what the operation counted",
    comes: "when it is over",
  },
  failure: { members: "kind, exitCode, message, hint?, detail", comes: "last, when the command failed" },
  snapshot: {
    members:
      "id, timeMs, time, durationMs, host, name, tags, paths, pathsBase64?, sizeBytes, entries, errors, lostPaths, repaired, removedAtMs?",
    comes: "from ls and info, for each snapshot",
  },
  entry: {
    members:
      "path, type, mode, uid, gid, user?, group?, sizeBytes, mtimeSeconds, mtimeNanoseconds, linkCount, target?, xattrs",
    comes: "from ls, for each entry",
  },
  restoredEntry: {
    members: "fate (create|replace|keep|leave), path",
    comes: "from restore --dry-run and --verbose, for each entry but directories",
  },
  recordedError: { members: "kind, message, path", comes: "from info --errors" },
  recoveryKey: {
    members: "storeId, recoveryKey",
    comes: "from create and key recovery, before the key opens anything",
  },
  store: { members: "storeId, encrypted, recoveryKey? and the rest of info", comes: "from create and info" },
  removed: { members: "as snapshot", comes: "from rm --apply" },
  wouldRemove: { members: "as snapshot", comes: "from rm without --apply" },
  undeleted: { members: "as snapshot", comes: "from undelete" },
  key: {
    members: "slotId, role, label, form, createdMs, current; of a slot that cannot be read: slotId, unreadable, reason",
    comes: "from key list, for each slot",
  },
  keyAdded: { members: "as key", comes: "from key add and key recovery" },
  wouldRemoveKey: { members: "as keyRemoved", comes: "from key remove without --apply" },
  keyRemoved: { members: "as key; of a damaged slot: slotId, damaged", comes: "from key remove --apply" },
  keyChanged: { members: "as key", comes: "from key passwd" },
  mounted: { members: "protocol, url, needsLink", comes: "from mount, for each place that is served" },
  ui: { members: "url", comes: "from ui, when it is served" },
  passwordHash: { members: "passwordHash", comes: "from mount --hash-password" },
  check: { members: "name, outcome (pass|warn|fail|unknown), explanation", comes: "from doctor, for each thing tried" },
  verdict: { members: "fitness (fit|unfit|unknown)", comes: "from doctor, at the end" },
  version: { members: "version, node, platform", comes: "from version" },
  manual: { members: "topic, text", comes: "from help" },
};
