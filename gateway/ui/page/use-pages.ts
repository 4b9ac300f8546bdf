import { useEffect, useRef, useState } from "preact/hooks";

/** Pages that are kept. */
const pagesMax = 60;

/** Parts of something long, got as they come into sight and forgotten when many others did. */
export type Pages<Page> = {
  /** The page of that number, if it is there. */
  readonly page: (number: number) => Page | undefined;
  /** Gets these pages; those that are no longer wanted are broken off. */
  readonly want: (first: number, last: number) => void;
  readonly error: Error | undefined;
};

/** @param key - what is paged: when it changes, all pages are forgotten */
export function usePages<Page>(key: string, get: (number: number, signal: AbortSignal) => Promise<Page>): Pages<Page> {
  const state = useRef({ key, pages: new Map<number, Page>(), asked: new Map<number, AbortController>() });
  const [, show] = useState(0);
  const [error, setError] = useState<{ readonly key: string; readonly error: Error } | undefined>(undefined);
  if (state.current.key !== key) {
    for (const stop of state.current.asked.values()) stop.abort();
    state.current = { key, pages: new Map(), asked: new Map() };
  }
  useEffect(
    () => () => {
      for (const stop of state.current.asked.values()) stop.abort();
    },
    [],
  );
  const want = (first: number, last: number): void => {
    const here = state.current;
    for (const [number, stop] of here.asked) {
      if (number >= first && number <= last) continue;
      stop.abort();
      here.asked.delete(number);
    }
    for (let number = first; number <= last; number++) {
      const kept = here.pages.get(number);
      if (kept !== undefined) {
        here.pages.delete(number);
        here.pages.set(number, kept);
      } else if (!here.asked.has(number)) void fetchPage(number);
    }
  };
  const fetchPage = async (number: number): Promise<void> => {
    const here = state.current;
    const stop = new AbortController();
    here.asked.set(number, stop);
    try {
      here.pages.set(number, await get(number, stop.signal));
      for (const oldest of here.pages.keys()) {
        if (here.pages.size <= pagesMax) break;
        here.pages.delete(oldest);
      }
    } catch (failure) {
      if (!stop.signal.aborted) setError({ key, error: failure as Error });
    } finally {
      if (here.asked.get(number) === stop) here.asked.delete(number);
    }
    show((count) => count + 1);
  };
  return {
    page: (number) => state.current.pages.get(number),
    want,
    error: error?.key === key ? error.error : undefined,
  };
}
