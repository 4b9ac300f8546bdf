/**
 * Whether names (binary strings) are what somebody typed: a part of the name; or with `*` and `?` the pattern of a whole one. Letters count
 * alike in both cases; names that are no UTF-8 are read as Latin-1. Takes time proportional to the name's length times the pattern's, whatever either holds.
 */
export function nameMatcher(typed: string): (name: string) => boolean {
  const wanted = fold(Buffer.from(typed.normalize("NFC"), "utf8").toString("latin1"));
  if (!/[*?]/.test(typed)) return (name) => fold(name).includes(wanted);
  const pattern = Array.from(unfolded(wanted));
  return (name) => matches(pattern, Array.from(unfolded(fold(name))));
}

/** Lower case; of names that are UTF-8 also of letters beyond ASCII. */
function fold(name: string): string {
  if (!/[\x80-\xff]/.test(name)) return name.toLowerCase();
  const decoded = Buffer.from(name, "latin1").toString("utf8");
  return decoded.includes("\u{fffd}")
    ? name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
    : Buffer.from(decoded.normalize("NFC").toLowerCase(), "utf8").toString("latin1");
}

/** As characters, so that `?` stands for one of them. */
function unfolded(name: string): string {
  const decoded = Buffer.from(name, "latin1").toString("utf8");
  return decoded.includes("\u{fffd}") ? name : decoded;
}

function matches(pattern: readonly string[], name: readonly string[]): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let starAt = 0;
  while (at < name.length) {
    const wanted = pattern[next];
    if (wanted === "*") {
      star = next++;
      starAt = at;
    } else if (wanted !== undefined && (wanted === "?" || wanted === name[at])) {
      next++;
      at++;
    } else if (star >= 0) {
      next = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (pattern[next] === "*") next++;
  return next === pattern.length;
}
