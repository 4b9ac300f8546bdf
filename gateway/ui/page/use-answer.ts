import { useEffect, useState } from "preact/hooks";
import { ask, type Parameters } from "./ask.ts";

/** An answer on its way, there, or not to be had. The one before stays until the next is there. */
export type Answer<Value> = {
  readonly value: Value | undefined;
  readonly error: Error | undefined;
  readonly isLoading: boolean;
};

/** Asks, and asks anew when what is asked changes. `name` undefined: asks nothing. */
export function useAnswer<Value>(name: string | undefined, parameters: Parameters = {}): Answer<Value> {
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
    return () => stop.abort();
  }, [key]);
  return answer;
}
