import type { Entry } from "#shared/format/entry.ts";

/**
 * What paths of one inode share. Numbers of devices change from boot to boot, so that entries of one snapshot may by chance agree in
 * device and inode: what is linked must also have the same type, size and times.
 */
export function inodeName(entry: Entry): string {
  const { type, device, inodeHi, inodeLo, size, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec } = entry;
  return `${type}:${device}:${inodeHi}:${inodeLo}:${size}:${mtimeSec}.${mtimeNsec}:${ctimeSec}.${ctimeNsec}`;
}
