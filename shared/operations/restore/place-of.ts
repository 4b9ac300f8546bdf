/** The place on the host of a path in a target. */
export function placeOf(root: string, path: string): string {
  return path === "" ? root : `${root === "/" ? "" : root}/${path}`;
}
