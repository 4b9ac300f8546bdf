import { fstatSync, statSync } from "node:fs";
import { devNull } from "node:os";

/** Whether what is written to `fd` reaches nobody: it is the null device, which Node also opens in place of a stream that is closed. */
export function isDiscarded(fd: number): boolean {
  const { rdev } = fstatSync(fd);
  return rdev !== 0 && rdev === statSync(devNull).rdev;
}
