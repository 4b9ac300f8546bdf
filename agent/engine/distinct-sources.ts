import { displayPath } from "#agent/filesystem/display-path.ts";
import { pathAbove, pathInRealDirectory } from "#agent/filesystem/real-path.ts";
import { statPath } from "#agent/filesystem/stat-path.ts";
import { isHoldfastError } from "#shared/errors.ts";
import type { Notice } from "#shared/operations/progress.ts";
import { relativeTo } from "#shared/snapshot/snapshot-tree.ts";
import { plain, type Source } from "./named-source.ts";

/** What is looked at of a path. */
export type PlaceStat = {
  readonly type: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Statx attributes. */
  readonly attributes: number;
};

/** What the scan of a source leaves out. */
export type ScanLimits = {
  /** Whether directories on other filesystems are left out. */
  readonly oneFileSystem: boolean;
  /** Whether the scan of a source leaves a path below it out: `path` is relative to it, `place` is where it is read. */
  readonly isLeftOut: (
    source: Source,
    entry: { readonly path: string; readonly place: string; readonly isDirectory: boolean },
  ) => boolean;
};

/** How the filesystem is looked at; tests give their own. */
export type Looks = {
  /** @throws {HoldfastError} it cannot be looked at */
  readonly statOf: (path: string) => PlaceStat;
  /** @throws {HoldfastError} it leads nowhere */
  readonly inRealDirectory: (path: string) => string;
};

const systemLooks: Looks = { statOf: (path) => statPath(path), inRealDirectory: pathInRealDirectory };

/** Statx attribute: the entry is the root of a mount. */
const mountRoot = 0x2000;

/**
 * Sources without those that the scan of another one brings along.
 *
 * One that lies below another by name, but through a symlink, is not brought along: the other one stores the link. It is kept under the
 * path that the link leads to, for below a link nothing can be restored; a notice says so.
 *
 * @returns `brought`: those that the scans of `sources` are to meet
 */
export function distinctSources(
  given: readonly Source[],
  limits: ScanLimits,
  looks: Looks = systemLooks,
): { readonly sources: readonly Source[]; readonly brought: readonly Source[]; readonly notices: readonly Notice[] } {
  const { placed, notices } = withoutLinksBetween(given, looks);
  const byRoot = new Map(placed.map((source) => [source.root, source]));
  const isBrought = (source: Source): boolean =>
    sourcesAbove(source, byRoot).some((above) => brings(above, source, limits, looks));
  return {
    sources: placed.filter((source) => !isBrought(source)),
    brought: placed.filter(isBrought),
    notices,
  };
}

/** The sources whose roots lead to that of another. */
function sourcesAbove(source: Source, byRoot: ReadonlyMap<string, Source>): Source[] {
  const found: Source[] = [];
  for (let path = source.root; path !== "/";) {
    path = pathAbove(path);
    const above = byRoot.get(path);
    if (above !== undefined) found.push(above);
  }
  return found;
}

/** Moves each source that lies below another through a link to where the link leads. */
function withoutLinksBetween(given: readonly Source[], looks: Looks): { placed: Source[]; notices: Notice[] } {
  const notices: Notice[] = [];
  let placed = unique(given);
  // A move may bring a source below another one; there are no more links than moves.
  for (let moved = true; moved;) {
    moved = false;
    const byRoot = new Map(placed.map((source) => [source.root, source]));
    placed = unique(
      placed.map((source) => {
        if (!sourcesAbove(source, byRoot).some((above) => isThroughLink(above, source, looks))) return source;
        moved = true;
        const to = realPlace(source, looks);
        const message = `The way to it is a link that is stored as such, so it is stored as ${displayPath(to)}.`;
        notices.push({ level: "info", message, path: source.root });
        return plain(to);
      }),
    );
  }
  return { placed, notices };
}

/** Each root once; where one names a link and what it leads to, the latter. */
function unique(sources: readonly Source[]): Source[] {
  const byRoot = new Map<string, Source>();
  for (const source of sources) {
    const other = byRoot.get(source.root);
    if (other === undefined || (isFollowed(source) && !isFollowed(other))) byRoot.set(source.root, source);
  }
  return [...byRoot.values()];
}

function isFollowed({ root, readFrom }: Source): boolean {
  return root !== readFrom;
}

function realPlace(source: Source, looks: Looks): string {
  return isFollowed(source) ? source.readFrom : looks.inRealDirectory(source.root);
}

/** Whether one of the names that lead from a source to one below it is a symlink, which the scan does not follow. */
function isThroughLink(above: Source, source: Source, looks: Looks): boolean {
  const names = pathsBetween(above, source.root);
  if (!isFollowed(above)) names.unshift(above.root);
  if (!isFollowed(source)) names.pop();
  return names.some((path) => look(path, looks)?.type === "symlink");
}

/** Whether the scan of a source meets one below it. */
function brings(above: Source, source: Source, limits: ScanLimits, looks: Looks): boolean {
  const root = look(above.readFrom, looks);
  if (root === undefined) return false;
  for (const path of pathsBetween(above, source.root)) {
    const relative = relativeTo(above.root, path);
    const place = placeBelow(above, relative);
    const stat = look(place, looks);
    if (stat === undefined || (path === source.root && isFollowed(source))) return false;
    if (limits.isLeftOut(above, { path: relative, place, isDirectory: stat.type === "directory" })) return false;
    if (!limits.oneFileSystem) continue;
    if (stat.deviceMajor !== root.deviceMajor || stat.deviceMinor !== root.deviceMinor) return false;
    if ((stat.attributes & mountRoot) !== 0) return false;
  }
  return true;
}

function placeBelow({ readFrom }: Source, relative: string): string {
  return readFrom === "/" ? `/${relative}` : `${readFrom}/${relative}`;
}

/** The paths from below a source down to one below it, that included. */
function pathsBetween(above: Source, path: string): string[] {
  const paths: string[] = [];
  for (let at = path; at !== above.root && at !== "/"; at = pathAbove(at)) paths.unshift(at);
  return paths;
}

function look(path: string, looks: Looks): PlaceStat | undefined {
  try {
    return looks.statOf(path);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    return undefined;
  }
}
