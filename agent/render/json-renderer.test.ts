import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import { newProgress } from "#shared/operations/progress.ts";
import { jsonEvents } from "./json-events.ts";
import { JsonRenderer } from "./json-renderer.ts";

function record() {
  let text = "";
  let aside = "";
  let tick: (() => void) | undefined;
  const renderer = new JsonRenderer(
    { write: (part) => (text += part), columns: () => undefined },
    { write: (part) => (aside += part), columns: () => undefined },
    { nowMs: () => 1000, sleep: async () => {} },
    (_, callback) => {
      tick = callback;
      return () => (tick = undefined);
    },
  );
  const events = () =>
    text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { renderer, events, tick: () => tick?.(), text: () => text, aside: () => aside };
}

test("a run is a series of lines, each an object with its event", () => {
  const { renderer, events, tick } = record();
  const progress = newProgress("backup", "scanning");
  renderer.start(progress);
  progress.entriesDone = 3;
  progress.currentPath = "/caf\xe9";
  tick();
  renderer.notice({ level: "info", message: "hello" });
  renderer.entryError({ path: "/a", kind: "EIO", message: "no" });
  renderer.finish({ operation: "backup", outcome: "partial", facts: { snapshot: "3f2a" } });
  renderer.failure(new HoldfastError("partial", "some", { detail: { files: 1 } }));
  expect(events()).toEqual([
    { event: "start", operation: "backup", timeMs: 1000 },
    {
      event: "progress",
      operation: "backup",
      phase: "scanning",
      entriesDone: 3,
      bytesDone: 0,
      bytesStored: 0,
      bytesReused: 0,
      errors: 0,
      path: "/caf\\xe9",
      pathBase64: "L2NhZuk=",
    },
    { event: "notice", level: "info", message: "hello" },
    { event: "entryError", kind: "EIO", message: "no", path: "/a" },
    { event: "report", operation: "backup", outcome: "partial", snapshot: "3f2a" },
    { event: "failure", kind: "partial", exitCode: 3, message: "some", detail: { files: 1 } },
  ]);
  tick();
  expect(events()).toHaveLength(6);
});

test("what must not be lost with the output goes to standard error, for people", () => {
  const { renderer, text, aside } = record();
  renderer.aside("nobody saw it");
  expect({ text: text(), aside: aside() }).toEqual({ text: "", aside: "warning: nobody saw it\n" });
});

test("nothing that a terminal would obey is written raw, and nothing is lost", () => {
  const { renderer, events, text } = record();
  const path = Buffer.from("/\u001b[2J\u009b2J\u202eexe\u200b", "utf8").toString("latin1");
  renderer.entryError({ path, kind: "EIO", message: "no" });
  expect(text().trimEnd()).toMatch(/^[\x20-\x7e]*$/);
  expect(events()[0]!["path"]).toBe("/\u001b[2J\u009b2J\u202eexe\u200b");
});

test("every event that the code writes is in the table of `help json`, and the other way round", () => {
  const written = new Set(["start"]);
  for (const room of ["commands", "render"]) {
    const directory = new URL(`../${room}/`, import.meta.url);
    for (const name of readdirSync(directory).filter((file) => /^[a-z-]+\.ts$/.test(file))) {
      const source = readFileSync(new URL(name, directory), "utf8");
      for (const [, event] of source.matchAll(/(?:\.result|#event)\(\s*"(\w+)"/g)) written.add(event!);
      for (const [, event] of source.matchAll(/show\(renderer, "(\w+)"/g)) written.add(event!);
      for (const [, yes, no] of source.matchAll(/options\.apply \? "(removed)" : "(wouldRemove)"/g))
        written.add(yes!).add(no!);
    }
  }
  expect([...written].sort()).toEqual(Object.keys(jsonEvents).sort());
});
