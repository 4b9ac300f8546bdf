import { isHoldfastError } from "#shared/errors.ts";
import { statPath } from "./stat-path.ts";

/** Statx attribute: the entry is the root of a mount. */
const mountRoot = 0x2000;

/** Whether a filesystem is mounted on a directory. Where the system does not tell, only one of another device is seen. */
export function isMountPoint(path: string): boolean {
  try {
    const { type, attributes, deviceMajor, deviceMinor } = statPath(path);
    if (type !== "directory") return false;
    if (path === "/" || (attributes & mountRoot) !== 0) return true;
    const above = statPath(`${path}/..`);
    return above.deviceMajor !== deviceMajor || above.deviceMinor !== deviceMinor;
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    return false;
  }
}
