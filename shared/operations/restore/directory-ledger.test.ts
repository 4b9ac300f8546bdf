import { expect, it } from "vitest";
import { entryPath } from "#shared/format/entry.ts";
import { directoryEntry, sorted } from "#shared/tree/node-store.testing.ts";
import { DirectoryLedger } from "./directory-ledger.ts";

it("DirectoryLedger gives back what it was given, the last first, so that children come before their parents", () => {
  const entries = [directoryEntry("", "")];
  for (const top of ["a", "a-b", "b"]) {
    entries.push(directoryEntry("", top));
    for (let number = 0; number < 2500; number++)
      entries.push({ ...directoryEntry(top, `${number}`), mtimeSec: number, mode: number % 0o1000 });
  }
  const given = sorted(entries);
  const ledger = new DirectoryLedger();
  for (const entry of given) ledger.add(entry);
  const taken = [...ledger.takeReversed()];
  expect(taken).toEqual(given.toReversed());
  const places = new Map(taken.map((entry, place) => [entryPath(entry), place]));
  for (const { dir, name } of taken)
    if (name !== "") expect(places.get(entryPath({ dir, name }))).toBeLessThan(places.get(dir) ?? -1);
  expect([...ledger.takeReversed()]).toEqual([]);
});
