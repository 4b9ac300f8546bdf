import { chmod, stat } from "node:fs/promises";
import { configKey } from "./object-key.ts";

/** The modes of what a directory store makes. */
export type StoreModes = { readonly file: number; readonly directory: number };

/** For one user alone. */
export const privateModes: StoreModes = { file: 0o600, directory: 0o700 };

const groupMayWrite = 0o020;

/**
 * The modes that a store in a directory gives to new files and directories: those of its user alone, unless the store is shared with a group, as
 * the group's rights to its `config` say, or that the group may write to its directory. What others may do is never given.
 */
export async function storeModes(root: string): Promise<StoreModes> {
  const [top, config] = await Promise.all([modeOf(root), modeOf(`${root}/${configKey}`)]);
  const group = (top & groupMayWrite) === 0 ? config & 0o060 : 0o060;
  return group === 0 ? privateModes : { file: 0o600 | group, directory: 0o700 | group | ((group >> 2) & 0o010) };
}

async function modeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ mode }) => mode,
    () => 0,
  );
}

/** Gives a directory that was made just now its mode, whatever the umask, and leaves it the bits that it inherits, such as setgid. */
export async function giveDirectoryMode(path: string, mode: number): Promise<void> {
  const inherited = (await stat(path)).mode & 0o7000;
  await chmod(path, inherited | mode);
}
