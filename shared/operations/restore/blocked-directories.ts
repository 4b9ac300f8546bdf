/** Directories of a target that could not be made: what is below them is not tried, and is counted without a message of its own. */
export class BlockedDirectories {
  readonly #paths = new Set<string>();

  /** @param path - relative to the target */
  add(path: string): void {
    this.#paths.add(path);
  }

  /** Whether an entry lies below one of them. Costs nothing where there is none. */
  holds(path: string): boolean {
    if (this.#paths.size === 0) return false;
    for (let slash = path.lastIndexOf("/"); slash >= 0; slash = path.lastIndexOf("/", slash - 1)) {
      if (this.#paths.has(path.slice(0, slash))) return true;
      if (slash === 0) break;
    }
    return false;
  }
}
