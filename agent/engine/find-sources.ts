import { displayPath } from "#agent/filesystem/display-path.ts";
import { pathAbove, realPath } from "#agent/filesystem/real-path.ts";
import { statPath } from "#agent/filesystem/stat-path.ts";
import { type ExcludeLine, excludeRules } from "#agent/importers/exclude-rules.ts";
import { hostLines, patternsForSource } from "#agent/importers/host-patterns.ts";
import { identityOf, isSkipped, type SkippedDirectories } from "#agent/importers/skipped-directories.ts";
import type { ScanProblem } from "#shared/connectors/importer.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { Notice } from "#shared/operations/progress.ts";
import { distinctSources } from "./distinct-sources.ts";
import { type NamedSources, type Source, sourcesOfPath } from "./named-source.ts";

/** A source with the patterns as they apply to it. */
export type ScannedSource = Source & { readonly excludes: readonly ExcludeLine[] };

/** What the PATHs of a backup come to. */
export type FoundSources = {
  /** What is scanned: at least one. */
  readonly sources: readonly ScannedSource[];
  /** Sources that the scans of others are to meet. */
  readonly brought: readonly Source[];
  /** PATHs that cannot be backed up. */
  readonly problems: readonly ScanProblem[];
  readonly notices: readonly Notice[];
};

/**
 * Finds what is to be scanned, so that every PATH is backed up or among the problems.
 *
 * @param paths - absolute, as binary strings; with a closing slash a symlink is followed
 * @param options - `as`: the paths by which the snapshot shows them, in their order; none: their own
 * @throws {HoldfastError} what is wrong with the first PATH, where none can be backed up
 */
export function findSources(
  paths: readonly string[],
  options: {
    readonly as?: readonly string[];
    readonly excludes: readonly string[];
    readonly oneFileSystem: boolean;
    /** The store itself. */
    readonly skip: SkippedDirectories;
  },
): FoundSources {
  const { as = [], excludes, oneFileSystem, skip } = options;
  const found: Source[] = [];
  const notices: Notice[] = [];
  const problems: ScanProblem[] = [];
  let firstError: HoldfastError | undefined;
  requirePairs(paths, as);
  for (const [index, path] of paths.entries()) {
    try {
      const named = renamed(sourcesOfPath(path), as[index]);
      for (const source of named.sources) requireOutside(source, skip);
      found.push(...named.sources);
      notices.push(...named.notices);
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      firstError ??= error;
      problems.push(problemOfPath(path, error));
    }
  }
  if (found.length === 0) throw firstError ?? new HoldfastError("invalid", "Cannot back up: no PATH is given");
  const namesOf = new Map(found.map((source) => [source, namesOfSource(source)]));
  const host = hostLines(excludes, [...new Set([...namesOf.values()].flat())]);
  const patternsOf = (source: Source): ExcludeLine[] =>
    patternsForSource(excludes, namesOf.get(source) ?? namesOfSource(source), host);
  const isLeftOut = rulesOfSources(patternsOf, skip);
  // Under other names, what lies below what is no longer seen by the names.
  const distinct =
    as.length > 0 ? { sources: found, brought: [], notices: [] } : distinctSources(found, { oneFileSystem, isLeftOut });
  return {
    sources: distinct.sources.map((source) => ({ ...source, excludes: patternsOf(source) })),
    brought: distinct.brought,
    problems,
    notices: [...notices, ...distinct.notices],
  };
}

/** @throws {HoldfastError} invalid: there is not one name for each path, or one is given twice */
function requirePairs(paths: readonly string[], as: readonly string[]): void {
  if (as.length === 0) return;
  if (as.length !== paths.length) {
    throw new HoldfastError("invalid", `Cannot use ${as.length} --as with ${paths.length} PATHs`, {
      hint: "Give one --as for each PATH: the first is for the first PATH, and so on.",
    });
  }
  const twice = as.find((path, index) => as.indexOf(path) !== index);
  if (twice !== undefined) throw new HoldfastError("invalid", `Cannot use --as=${displayPath(twice)} for two PATHs`);
}

/** A source under another name: what a link leads to, not the link. */
function renamed(named: NamedSources, root: string | undefined): NamedSources {
  const last = named.sources.at(-1);
  return root === undefined || last === undefined
    ? named
    : {
        sources: [{ root, readFrom: last.readFrom }],
        notices: named.notices.filter(({ level }) => level === "warning"),
      };
}

type IsLeftOut = Parameters<typeof distinctSources>[1]["isLeftOut"];

function rulesOfSources(patternsOf: (source: Source) => ExcludeLine[], skip: SkippedDirectories): IsLeftOut {
  const rules = new Map<Source, ReturnType<typeof excludeRules>>();
  return (source, { path, place, isDirectory }) => {
    if (!rules.has(source)) rules.set(source, excludeRules(patternsOf(source), new Set()));
    if (rules.get(source)?.(path, isDirectory) === true) return true;
    return isDirectory && isSkipped(skip, place, identityOf(statPath(place)));
  };
}

/** The paths by which patterns may mean a source. */
function namesOfSource({ root, readFrom }: Source): string[] {
  const names = new Set([root, readFrom]);
  try {
    names.add(realPath(readFrom));
  } catch {
    // A link that leads nowhere has no other name.
  }
  return [...names];
}

/** @throws {HoldfastError} invalid: the source is the store, or in it */
function requireOutside({ root, readFrom }: Source, skip: SkippedDirectories): void {
  if (skip.paths.length === 0) return;
  for (const directory of directoriesTo(readFrom)) {
    if (!isSkipped(skip, directory, identityOf(statPath(directory)))) continue;
    throw new HoldfastError("invalid", `Cannot back up ${displayPath(root)}: it is the store, or lies in it`);
  }
}

/** The directories that a path lies in, itself included if it is one, all links followed; none where it may not be followed. */
function directoriesTo(path: string): string[] {
  const { type } = statPath(path);
  const directories: string[] = [];
  try {
    let at = realPath(type === "directory" ? path : pathAbove(path));
    for (; at !== "/"; at = pathAbove(at)) directories.push(at);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
  }
  return directories;
}

function problemOfPath(path: string, error: HoldfastError): ScanProblem {
  const { kind, message, hint, detail } = error;
  const bare = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
  return {
    path: bare,
    kind: String(detail["errno"] ?? kind),
    message: hint === undefined ? message : `${message}. ${hint}`,
  };
}
