import { useEffect, useState } from "preact/hooks";
import { ask, type Parameters } from "./ask.ts";

/** An answer on its way, there, or not to be had. The one before stays until the next is there. */
export type Answer<Value> = {
  readonly value: Value | undefined;
  readonly error: Error | undefined;
  readonly isLoading: boolean;
};

/**
 * Asks, and asks anew when what is asked changes. `name` undefined: asks nothing.
 *
 * @param everyMs - how often it asks again while the page shows; what fails then is not told
 */
export function useAnswer<Value>(
  name: string | undefined,
  parameters: Parameters = {},
  everyMs?: number,
): Answer<Value> {
  const [answer, setAnswer] = useState<Answer<Value> & { readonly key: string }>({
    key: "",
    value: undefined,
    error: undefined,
    isLoading: true,
  });
  const key = `${name} ${JSON.stringify(parameters)}`;
  useEffect(() => {
    if (name === undefined) return undefined;
    const stop = new AbortController();
    setAnswer((before) => ({ ...before, key, error: undefined, isLoading: true }));
    ask<Value>(name, parameters, stop.signal).then(
      (value) => setAnswer({ key, value, error: undefined, isLoading: false }),
      (error: Error) => {
        if (!stop.signal.aborted) setAnswer({ key, value: undefined, error, isLoading: false });
      },
    );
    const refresh = (): void => {
      if (document.visibilityState !== "visible") return;
      ask<Value>(name, parameters, stop.signal).then(
        (value) => setAnswer({ key, value, error: undefined, isLoading: false }),
        () => undefined,
      );
    };
    const timer = everyMs === undefined ? undefined : setInterval(refresh, everyMs);
    return () => {
      clearInterval(timer);
      stop.abort();
    };
  }, [key, everyMs]);
  return answer;
}
