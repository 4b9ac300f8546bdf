/** What a scan finds on its way, beside entries. Parts of a scan that look at the same directory find the same. */
export type ScanFindings = {
  /** Numbers of the lines of patterns that matched something. */
  readonly matched: Set<number>;
  /** Directories that were not entered because another filesystem begins there, as binary paths: `leftOutMax` at most. */
  readonly leftOut: Set<string>;
};

/** Directories that are remembered, at some 100 bytes each. */
const leftOutMax = 10_000;

export function newFindings(): ScanFindings {
  return { matched: new Set(), leftOut: new Set() };
}

export function noteLeftOut({ leftOut }: ScanFindings, path: string): void {
  if (leftOut.size < leftOutMax) leftOut.add(path);
}

export function addFindings(to: ScanFindings, more: ScanFindings): void {
  for (const number of more.matched) to.matched.add(number);
  for (const path of more.leftOut) noteLeftOut(to, path);
}
