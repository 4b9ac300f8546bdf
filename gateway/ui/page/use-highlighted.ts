import { useEffect, useState } from "preact/hooks";
import { languageOf } from "./language-of.ts";
import { askWorker } from "./work.ts";

/** A piece of a line and how it looks: classes, or "". */
export type Token = readonly [text: string, kind: string];

/** Characters of a text that are highlighted. */
const highlightedMax = 300_000;

/** Lines of a text with colours by the language of the file's name; undefined until they are there, and where there are none. */
export function useHighlighted(text: string | undefined, name: string): Token[][] | undefined {
  const [found, setFound] = useState<{ readonly text: string; readonly lines: Token[][] } | undefined>(undefined);
  useEffect(() => {
    const language = languageOf(name);
    if (text === undefined || language === undefined || text.length > highlightedMax) return undefined;
    const stop = new AbortController();
    askWorker<Token[][] | null>({ kind: "highlight", text, language }, stop.signal).then(
      (lines) => setFound(lines === null ? undefined : { text, lines }),
      () => undefined, // it stays plain
    );
    return () => stop.abort();
  }, [text, name]);
  return found !== undefined && found.text === text ? found.lines : undefined;
}
