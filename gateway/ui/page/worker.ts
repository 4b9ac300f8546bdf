import { common, createLowlight } from "lowlight";
import { diffLines } from "./diff-lines.ts";
import type { Token } from "./use-highlighted.ts";

/** What is done in a thread of its own. */
export type WorkRequest =
  | { readonly kind: "highlight"; readonly text: string; readonly language: string }
  | { readonly kind: "diff"; readonly left: string; readonly right: string };

const lowlight = createLowlight(common);

addEventListener("message", ({ data }: MessageEvent<WorkRequest>) => {
  postMessage(data.kind === "diff" ? diffLines(data.left, data.right) : highlight(data.text, data.language));
});

/** Lines of tokens; null: the language is not known. */
function highlight(text: string, language: string): Token[][] | null {
  if (!lowlight.registered(language)) return null;
  const lines: Token[][] = [[]];
  walk(lowlight.highlight(language, text), "", lines);
  return lines;
}

type Node = {
  readonly type: string;
  readonly value?: string;
  readonly properties?: { readonly className?: readonly string[] };
  readonly children?: readonly Node[];
};

function walk(node: Node, kind: string, lines: Token[][]): void {
  if (node.type === "text") {
    for (const [index, part] of (node.value ?? "").split("\n").entries()) {
      if (index > 0) lines.push([]);
      if (part !== "") lines.at(-1)?.push([part, kind]);
    }
    return;
  }
  const classes = (node.properties?.className ?? []).filter((each) => /^[\w-]+$/.test(each)).join(" ");
  for (const child of node.children ?? []) walk(child, classes === "" ? kind : classes, lines);
}
