import { applyLateFlags, hasLateFlags } from "#agent/filesystem/apply-flags.ts";
import { applyMetadata } from "#agent/filesystem/apply-metadata.ts";
import type { EntryMetadata } from "#agent/filesystem/entry-metadata.ts";
import type { EntryStat } from "#agent/filesystem/entry-stat.ts";
import { closeDirectory, listOpenDirectory, openDirectory } from "#agent/filesystem/list-directory.ts";
import { makeDirectory, makeHardLink, makeSpecial, makeSymlink } from "#agent/filesystem/make-special.ts";
import type { MetadataProblem } from "#agent/filesystem/metadata-problem.ts";
import { closeFile, openFile, readAt } from "#agent/filesystem/read-content.ts";
import { type ExtendedAttribute, readExtended, readExtendedOpen } from "#agent/filesystem/read-extended.ts";
import { readFlagsOpen } from "#agent/filesystem/read-flags.ts";
import { readHoles } from "#agent/filesystem/read-holes.ts";
import { readLink } from "#agent/filesystem/read-link.ts";
import { markWhole } from "#agent/filesystem/mark-whole.ts";
import { SafeTarget } from "#agent/filesystem/safe-target.ts";
import { statPath } from "#agent/filesystem/stat-path.ts";
import { createFile, finishFile, setFileSize, writeAt } from "#agent/filesystem/write-file.ts";
import { writeSmallFile } from "#agent/filesystem/write-small-file.testing.ts";

/** A problem of one entry of a copy, by binary path. */
export type CopyProblem = MetadataProblem & { readonly path: string };

/**
 * Copies a tree through everything that backup and restore use on the host's filesystem and nothing else: the judge of those
 * parts without a store between them.
 *
 * @param to - an empty directory that is there
 * @returns what could not be read or restored
 */
export function copyTree(from: string, to: string): CopyProblem[] {
  const copier = new Copier(to);
  try {
    copier.directory(from, -100, "");
    copier.finish();
    return copier.problems;
  } finally {
    copier.target.close();
  }
}

class Copier {
  readonly problems: CopyProblem[] = [];
  readonly target: SafeTarget;
  readonly #linked = new Map<string, string>();
  readonly #unmade = new Set<string>();
  readonly #late: { readonly path: string; readonly flags: number }[] = [];

  constructor(to: string) {
    this.target = SafeTarget.open(to);
  }

  directory(name: string, parentFd: number, path: string): void {
    const stat = statPath(name, parentFd);
    const fd = openDirectory(name, parentFd);
    try {
      const place = this.target.locate(path);
      if (path !== "") makeDirectory(place.path, place.directoryFd);
      const problems: MetadataProblem[] = [];
      const extended = readExtendedOpen(fd, path, problems);
      const flags = readFlagsOpen(fd, path);
      this.#report(path, problems);
      for (const inner of listOpenDirectory(fd, path)) this.#entry(inner, fd, path === "" ? inner : `${path}/${inner}`);
      const finished = this.target.locate(path);
      const metadata = metadataOf(stat, extended, flags);
      this.#report(path, applyMetadata(finished.path, metadata, { owner: true }, finished.directoryFd));
      if (flags !== undefined && hasLateFlags(flags)) this.#late.push({ path, flags });
    } finally {
      closeDirectory(fd);
    }
  }

  finish(): void {
    for (const { path, flags } of this.#late.toReversed()) {
      const place = this.target.locate(path);
      this.#report(path, applyLateFlags(place.path, flags, place.directoryFd));
    }
  }

  #entry(name: string, parentFd: number, path: string): void {
    const stat = statPath(name, parentFd);
    if (stat.type === "directory") {
      this.directory(name, parentFd, path);
      return;
    }
    const place = this.target.locate(path);
    if (stat.nlink > 1) {
      const inode = `${stat.deviceMajor}:${stat.deviceMinor}:${stat.inodeHi}:${stat.inodeLo}`;
      const first = this.#linked.get(inode);
      if (first !== undefined && !this.#unmade.has(first)) {
        makeHardLink(this.target.locate(first), place);
        return;
      }
      this.#linked.set(inode, path);
    }
    if (stat.type === "file") {
      this.#file(name, parentFd, path, stat);
      return;
    }
    const problems: MetadataProblem[] = [];
    const metadata = metadataOf(stat, readExtended(name, problems, parentFd), undefined);
    this.#report(path, problems);
    if (stat.type === "symlink") {
      makeSymlink(place.path, readLink(name, parentFd), place.directoryFd);
    } else {
      const { type, rdevMajor, rdevMinor } = stat;
      const node = type === "fifo" || type === "socket" ? { type } : { type, rdevMajor, rdevMinor };
      const problem = makeSpecial(place.path, node, place.directoryFd);
      if (problem !== undefined) {
        this.#report(path, [problem]);
        this.#unmade.add(path);
        return;
      }
    }
    this.#report(path, applyMetadata(place.path, metadata, { owner: true }, place.directoryFd));
  }

  #file(name: string, parentFd: number, path: string, stat: EntryStat): void {
    const place = this.target.locate(path);
    const from = openFile(path, { name, directoryFd: parentFd });
    try {
      const problems: MetadataProblem[] = [];
      const flags = readFlagsOpen(from, path);
      const metadata = metadataOf(stat, readExtendedOpen(from, path, problems), flags);
      this.#report(path, problems);
      const file = { path: place.path, directoryFd: place.directoryFd, traits: place.traits, metadata };
      if (stat.blocks512 * 512 < stat.size) {
        const to = createFile(file);
        for (const [offset, length] of readHoles(from, stat.size, path)) {
          const data = new Uint8Array(length);
          readAt(from, data, offset, path);
          writeAt(to, data, offset, path);
        }
        setFileSize(to, stat.size, path);
        this.#report(path, finishFile(to, file, { owner: true }));
        const lost = markWhole(file.path, metadata, file.traits, file.directoryFd);
        if (lost !== undefined) this.#report(path, [lost]);
      } else {
        const data = new Uint8Array(stat.size);
        readAt(from, data, 0, path);
        this.#report(path, writeSmallFile(file, data, { owner: true }));
      }
      if (flags !== undefined && hasLateFlags(flags)) this.#late.push({ path, flags });
    } finally {
      closeFile(from);
    }
  }

  #report(path: string, problems: readonly MetadataProblem[]): void {
    for (const problem of problems) this.problems.push({ path, ...problem });
  }
}

function metadataOf(stat: EntryStat, extended: readonly ExtendedAttribute[], flags: number | undefined): EntryMetadata {
  const { type, mode, uid, gid, mtimeSec, mtimeNsec } = stat;
  return { type, mode, uid, gid, mtimeSec, mtimeNsec, extended, flags };
}
