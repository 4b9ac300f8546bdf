import { expect, test } from "vitest";
import { FoldingRenderer } from "./folding-renderer.ts";
import { LineRenderer } from "./line-renderer.ts";

function folded(tell: (renderer: FoldingRenderer) => void): string[] {
  let text = "";
  const sink = { write: (more: string) => void (text += more), columns: () => undefined };
  const renderer = new FoldingRenderer(new LineRenderer(sink, sink));
  tell(renderer);
  renderer.close();
  return text.trimEnd().split("\n");
}

test("the first ten of those that say the same are shown, the others are counted by directory", () => {
  const lines = folded((renderer) => {
    for (let n = 0; n < 490; n++)
      renderer.entryError({ path: `${n < 300 ? "a" : "b/c"}/${n}`, kind: "corrupt", message: "The pack is damaged" });
    renderer.entryError({ path: "a/other", kind: "EACCES", message: "Another thing" });
  });
  expect(lines).toHaveLength(12);
  expect(lines[9]).toBe("error: a/9: The pack is damaged (corrupt)");
  expect(lines[10]).toBe("error: a/other: Another thing (EACCES)");
  expect(lines[11]).toBe(
    "warning: The same is said of 480 more (--json names each), 290 in a, 190 in b/c: The pack is damaged (corrupt)",
  );
});

test("directories beyond the first eight are counted together, and nothing is told twice", () => {
  const lines = folded((renderer) => {
    for (let n = 0; n < 40; n++) renderer.notice({ level: "info", path: `d${n}/f`, message: "It was left." });
    renderer.finish({ operation: "restore", outcome: "ok", facts: {} });
  });
  expect(lines.filter((line) => line.includes("The same is said"))).toEqual([
    expect.stringMatching(/of 30 more .*, 22 elsewhere: It was left\.$/),
  ]);
});

test("what a filesystem does to every file is shown once, with a count of the others", () => {
  const lines = folded((renderer) => {
    for (let n = 0; n < 5; n++)
      renderer.entryError({ path: `d/${n}`, kind: "mtime", message: "Rounded", isOfFilesystem: true });
  });
  expect(lines).toEqual([
    "error: d/0: Rounded (mtime)",
    "warning: The same is said of 4 more (--json names each), 4 in d: Rounded (mtime)",
  ]);
});
