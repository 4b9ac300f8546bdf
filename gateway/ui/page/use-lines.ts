import { useEffect, useState } from "preact/hooks";
import { askLines, type Parameters } from "./ask.ts";

/** Lines of an answer as they come. */
export type Lines<Line> = {
  readonly lines: readonly Line[];
  readonly error: Error | undefined;
  readonly isLoading: boolean;
};

/** Asks what is answered line by line; breaks off when what is asked changes, or by `stop`. `name` undefined: asks nothing. */
export function useLines<Line>(
  name: string | undefined,
  parameters: Parameters,
): Lines<Line> & { readonly stop: () => void } {
  const [state, setState] = useState<Lines<Line> & { readonly stop: () => void }>({
    lines: [],
    error: undefined,
    isLoading: name !== undefined,
    stop: () => undefined,
  });
  const key = `${name} ${JSON.stringify(parameters)}`;
  useEffect(() => {
    if (name === undefined) {
      setState({ lines: [], error: undefined, isLoading: false, stop: () => undefined });
      return undefined;
    }
    const abort = new AbortController();
    const all: Line[] = [];
    let frame = 0;
    const stop = (): void => {
      abort.abort();
      setState((before) => ({ ...before, isLoading: false }));
    };
    const show = (): void => {
      frame = 0;
      setState((before) => ({ ...before, lines: all.slice() }));
    };
    setState({ lines: [], error: undefined, isLoading: true, stop });
    askLines<Line>(name, parameters, abort.signal, (lines) => {
      for (const line of lines) all.push(line);
      frame ||= requestAnimationFrame(show);
    }).then(
      () => setState((before) => ({ ...before, lines: all.slice(), isLoading: false })),
      (error: Error) => {
        if (!abort.signal.aborted) setState((before) => ({ ...before, lines: all.slice(), error, isLoading: false }));
      },
    );
    return () => {
      abort.abort();
      cancelAnimationFrame(frame);
    };
  }, [key]);
  return state;
}
