/** The id of the pack or state that an object holds, by its key; "" for objects of other kinds. */
export function hashInKey(key: string): string {
  return /^(?:packs|states)\/[0-9a-f]{2}\/([0-9a-f]{64})$/.exec(key)?.[1] ?? "";
}
