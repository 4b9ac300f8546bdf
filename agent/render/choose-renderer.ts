import { FoldingRenderer } from "./folding-renderer.ts";
import { JsonRenderer } from "./json-renderer.ts";
import { LineRenderer } from "./line-renderer.ts";
import { LiveRenderer } from "./live-renderer.ts";
import { QuietRenderer } from "./quiet-renderer.ts";
import type { Renderer, Sink } from "./renderer.ts";

/** What decides how a run shows itself. */
export type RenderChoice = {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Plain lines even on a terminal. */
  readonly stdio: boolean;
  /** The variable TERM, when set. */
  readonly term: string | undefined;
  /** The variable NO_COLOR is set and not empty (https://no-color.org). */
  readonly noColor: boolean;
};

/** The renderer for this run: JSON, quiet, live on a terminal that can move its cursor, or plain lines. */
export function chooseRenderer(choice: RenderChoice, out: Sink, err: Sink): Renderer {
  if (choice.json) return new JsonRenderer(out, err);
  return new FoldingRenderer(rendererForPeople(choice, out, err));
}

function rendererForPeople(choice: RenderChoice, out: Sink, err: Sink): Renderer {
  if (choice.quiet) return new QuietRenderer(out, err);
  const terminal = err.columns() !== undefined && choice.term !== undefined && choice.term !== "dumb";
  if (choice.stdio || !terminal) return new LineRenderer(out, err);
  return new LiveRenderer({ out, err, color: !choice.noColor });
}
