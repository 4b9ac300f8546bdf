import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** Filesystems whose power is cut. */
export const filesystems = ["ext4", "xfs", "btrfs"] as const;
export type Filesystem = (typeof filesystems)[number];

/** How each is made on an image, and mounted. */
const makers: Readonly<Record<Filesystem, readonly string[]>> = {
  ext4: ["mkfs.ext4", "-q", "-F"],
  xfs: ["mkfs.xfs", "-q", "-f"],
  btrfs: ["mkfs.btrfs", "-q", "-f"],
};

function run(command: string, ...words: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${words.join(" ")}: ${error?.message ?? stderr.trim()}`);
}

/**
 * A disk whose power can be cut: an image on a filesystem that can clone a file at one point in time (XFS with reflinks), mounted by a loop device.
 *
 * A cut is such a clone: what the filesystem had sent to its disk by then. What the page cache held is not in it.
 */
export class PowerDisk {
  /** Where the filesystem is mounted. */
  readonly place: string;
  readonly #directory: string;
  readonly #outer: string;
  #cuts = 0;
  #isMounted = false;

  /** @throws {Error} the user, the kernel or the programs of this machine do not allow it */
  constructor(directory: string, filesystem: Filesystem) {
    this.#directory = directory;
    this.#outer = join(directory, "outer");
    this.place = join(directory, "disk");
    mkdirSync(this.#outer);
    mkdirSync(this.place);
    run("truncate", "-s", "6G", join(directory, "outer.img"));
    run("mkfs.xfs", "-q", "-m", "reflink=1", join(directory, "outer.img"));
    run("mount", "-o", "loop", join(directory, "outer.img"), this.#outer);
    try {
      run("truncate", "-s", "512M", this.#image("disk"));
      const [command = "", ...words] = makers[filesystem];
      run(command, ...words, this.#image("disk"));
      this.#mount("disk");
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Cuts the power, for a clone of the disk: all goes on meanwhile. @returns the name of the cut */
  cut(): string {
    const name = `cut-${++this.#cuts}`;
    run("cp", "--reflink=always", this.#image("disk"), this.#image(name));
    return name;
  }

  /** Writes what the page cache holds, as the kernel does every few seconds. In the background: files change meanwhile. */
  flush(): void {
    spawnSync("sh", ["-c", `sync -f "$1" &`, "sh", this.place], { stdio: "ignore" });
  }

  /** Mounts the disk as it was at a cut, in the same place, and nothing of what came later. */
  powerUp(cut: string): void {
    this.#unmount();
    this.#mount(cut);
  }

  close(): void {
    if (this.#isMounted) this.#unmount();
    spawnSync("umount", [this.#outer], { stdio: "ignore" });
    spawnSync("rm", ["-f", join(this.#directory, "outer.img")]);
  }

  #image(name: string): string {
    return join(this.#outer, `${name}.img`);
  }

  #mount(name: string): void {
    run("mount", "-o", "loop", this.#image(name), this.place);
    this.#isMounted = true;
  }

  #unmount(): void {
    run("umount", this.place);
    this.#isMounted = false;
  }
}
