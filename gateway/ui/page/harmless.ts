/** Controls but tabs, direction marks and overrides, invisible characters. */
const unshowable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}]/gu;

/** Content of a file as text that shows what is there: what would not be seen, or would mislead the eye, as its code. */
export function harmless(text: string): string {
  return text.replaceAll(unshowable, (char) =>
    char === "\t" || char === "\r" ? (char === "\r" ? "␍" : char) : `⟨${(char.codePointAt(0) ?? 0).toString(16)}⟩`,
  );
}
