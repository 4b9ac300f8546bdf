const tags: Readonly<Record<number, string>> = {
  1: "user",
  2: "user",
  4: "group",
  8: "group",
  16: "mask",
  32: "other",
};

/**
 * A POSIX ACL, as Linux keeps it in `system.posix_acl_access` and `…_default`, in the text form by which tars carry it:
 * `user::rw-,user:1000:r--,…`, owners by number. Undefined: it is something else.
 */
export function aclText(value: Uint8Array): string | undefined {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (value.byteLength < 4 || (value.byteLength - 4) % 8 !== 0 || view.getUint32(0, true) !== 2) return undefined;
  const parts: string[] = [];
  for (let at = 4; at < value.byteLength; at += 8) {
    const tag = view.getUint16(at, true);
    const bits = view.getUint16(at + 2, true);
    const word = tags[tag];
    if (word === undefined) return undefined;
    const who = tag === 2 || tag === 8 ? String(view.getUint32(at + 4, true)) : "";
    parts.push(`${word}:${who}:${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${bits & 1 ? "x" : "-"}`);
  }
  return parts.join(",");
}
