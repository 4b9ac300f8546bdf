/** The phases that make a snapshot, in order. */
export const backupPhases = ["first", "unchanged", "changed"] as const;

/** All phases, in the order in which they run. */
export const phases = [...backupPhases, "restore", "check"] as const;

export type BackupPhase = (typeof backupPhases)[number];
export type Phase = (typeof phases)[number];

/** What the tables call each phase. */
export const phaseTitles: Readonly<Record<Phase, string>> = {
  first: "first backup",
  unchanged: "unchanged backup",
  changed: "one file changed",
  restore: "restore to tmpfs",
  check: "full check",
};

/** Whether `word` names a phase. */
export function isPhase(word: string): word is Phase {
  return phases.some((phase) => phase === word);
}

/** Whether `phase` makes a snapshot. */
export function isBackupPhase(phase: Phase): phase is BackupPhase {
  return backupPhases.some((one) => one === phase);
}
