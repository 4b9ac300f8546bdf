import { statPath } from "#agent/filesystem/stat-path.ts";
import { isBelow } from "#shared/tree/read-tree.ts";

/** What tells filesystems apart, of a path. */
export type MountStat = {
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Statx attributes. */
  readonly attributes: number;
};

/** Statx attribute: the entry is the root of a mount. */
const mountRoot = 0x2000;

/**
 * Paths without those that the backup of another one brings along. With `oneFileSystem` a path on another filesystem than the one
 * above it is not brought along, so it stays.
 *
 * @param paths - absolute, as binary strings
 * @param statOf - looks at a path; for tests
 * @throws {HoldfastError} with `oneFileSystem`: a path cannot be looked at
 */
export function distinctRoots(
  paths: readonly string[],
  options: { readonly oneFileSystem: boolean; readonly statOf?: (path: string) => MountStat },
): string[] {
  const { oneFileSystem, statOf = statPath } = options;
  const distinct = [...new Set(paths)];
  const bringsAlong = (above: string, path: string): boolean => {
    if (above === path || !(above === "/" || isBelow(path, above))) return false;
    return !oneFileSystem || isOneMount(above, path, statOf);
  };
  return distinct.filter((path) => !distinct.some((other) => bringsAlong(other, path)));
}

/** Whether the way from a directory down to a path crosses into no other filesystem and no other mount. */
function isOneMount(above: string, path: string, statOf: (path: string) => MountStat): boolean {
  const { deviceMajor, deviceMinor } = statOf(above);
  for (let end = path.indexOf("/", above === "/" ? 1 : above.length + 1); ; end = path.indexOf("/", end + 1)) {
    const stat = statOf(end < 0 ? path : path.slice(0, end));
    if (stat.deviceMajor !== deviceMajor || stat.deviceMinor !== deviceMinor) return false;
    if ((stat.attributes & mountRoot) !== 0) return false;
    if (end < 0) return true;
  }
}
