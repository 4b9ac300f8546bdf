import { encodePath } from "./encode-path.ts";
import { writtenPath } from "./request-path.ts";

/**
 * An address of this gateway as seen from another one, as `../../b/c/`: right wherever something in front of the gateway puts it, and never
 * on another host.
 *
 * @param url - what was asked for
 * @param prefix - what its path begins with, without a closing slash
 * @param to - an absolute path below the prefix, a binary string, with a closing slash where it has one
 */
export function relativeLocation(url: string, prefix: string, to: string): string {
  const inside = writtenPath(url).slice(prefix.length);
  const levels = inside.split("/").length - 2;
  const up = "../".repeat(Math.max(0, levels));
  const path = encodePath(to.slice(1));
  return inside === "" ? `${prefix.slice(prefix.lastIndexOf("/") + 1)}/${path}` : up + path || "./";
}
