import fc from "fast-check";
import { expect, it } from "vitest";
import { entryTypes } from "#shared/format/entry.ts";
import type { ScriptedEntry } from "#shared/operations/backup/scripted-source.testing.ts";
import type { View } from "#shared/view/view.ts";
import { everything } from "#gateway/access/grant.ts";
import { mountOf } from "#gateway/small-gateway.testing.ts";
import { storeOf } from "#shared/view/view.testing.ts";
import { encodeKey } from "./object-key.ts";
import { walkKeys, type WalkPosition } from "./walk-keys.ts";

type Kind = "file" | "directory" | "fifo" | "symlink";
/** Paths (binary) of a tree, and what they are. */
type Tree = ReadonlyMap<string, Kind>;

const seed = Number(process.env["HOLDFAST_TEST_SEED"] ?? 20261120);
const piece = fc.constantFrom(
  "a",
  "b",
  "-",
  ".",
  "0",
  "~",
  "\x01",
  "\x7f",
  "\xc3\xa4",
  "\xe9",
  "\xff",
  "\xf4\x8f\xbf\xbf",
  "\xf4\x8f\xbd\xbf",
);
const name = fc
  .array(piece, { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(""))
  .filter((text) => text !== "." && text !== "..");
const tree = fc
  .array(
    fc.tuple(
      fc.array(name, { minLength: 1, maxLength: 4 }),
      fc.constantFrom<Kind>("file", "file", "directory", "fifo", "symlink"),
    ),
    { maxLength: 25 },
  )
  .map((paths): Tree => {
    const found = new Map<string, Kind>();
    for (const [parts, kind] of paths) {
      let path = "";
      let fits = true;
      for (const [index, part] of parts.entries()) {
        path = path === "" ? part : `${path}/${part}`;
        const known = found.get(path);
        if (index < parts.length - 1 && known !== undefined && known !== "directory") fits = false;
        if (index < parts.length - 1 && fits && known === undefined) found.set(path, "directory");
      }
      if (fits && !found.has(path)) found.set(path, kind);
    }
    return found;
  });

/** The readable twin: all keys, sorted. */
function keysOf(paths: Tree): string[] {
  const keys: string[] = [];
  for (const [path, kind] of paths) {
    if (kind === "file" || kind === "symlink") keys.push(encodeKey(path));
    if (kind !== "directory") continue;
    const hasObjects = [...paths].some(([other, is]) => other.startsWith(`${path}/`) && is !== "fifo");
    if (!hasObjects) keys.push(`${encodeKey(path)}/`);
  }
  return keys.sort();
}

/** The same with prefix, start and common prefixes, as S3 says it. */
function expected(keys: readonly string[], prefix: string, after: string | undefined, delimiter: boolean): string[] {
  const found = keys
    .filter((key) => key.startsWith(prefix) && (after === undefined || key > after))
    .map((key) => {
      const slash = key.indexOf("/", prefix.length);
      return delimiter && slash >= 0 ? key.slice(0, slash + 1) : key;
    });
  return [...new Set(found)];
}

async function viewOf(paths: Tree): Promise<View> {
  const types = {
    file: undefined,
    directory: entryTypes.directory,
    fifo: entryTypes.fifo,
    symlink: entryTypes.symlink,
  };
  const entries = [...paths].map(([path, kind]): ScriptedEntry => {
    const type = types[kind];
    return {
      path,
      content: "",
      ...(type === undefined ? {} : { type }),
      ...(kind === "symlink" ? { target: "x" } : {}),
    };
  });
  return (await mountOf(await storeOf(entries), "snapshot", "/scripted")).view(everything);
}

async function walked(
  view: View,
  prefix: string,
  after: WalkPosition | undefined,
  collapses: boolean,
): Promise<{ key: string; position: WalkPosition; isPrefix: boolean }[]> {
  const found = [];
  for await (const { key, entry, isClean } of walkKeys({ view, root: "/", prefix, after, collapses })) {
    found.push({ key, isPrefix: entry === undefined, position: { key, skipsPrefix: true, isClean } });
  }
  return found;
}
const keysIn = (found: readonly { key: string }[]): string[] => found.map(({ key }) => key);

it("gives the keys of any tree in S3's order, from any key on, below any prefix, with and without delimiter", async () => {
  await fc.assert(
    fc.asyncProperty(tree, fc.infiniteStream(fc.nat()), async (paths, stream) => {
      const view = await viewOf(paths);
      const keys = keysOf(paths);
      expect(keysIn(await walked(view, "", undefined, false))).toEqual(keys);
      const pick = (): number => Number(stream.next().value);
      for (let round = 0; round < 12; round++) {
        const some = keys[pick() % Math.max(1, keys.length)] ?? "a/b";
        const prefix = round % 3 === 0 ? "" : some.slice(0, pick() % (some.length + 1));
        const other = keys[pick() % Math.max(1, keys.length)] ?? "b";
        const cut = other.slice(0, pick() % (other.length + 1));
        const after =
          round % 4 === 0 ? undefined : round % 2 === 0 ? other : cut + ["", "/", ".", "\x01", "\xff"][pick() % 5]!;
        for (const collapses of [false, true]) {
          const position = after === undefined ? undefined : { key: after, skipsPrefix: false, isClean: false };
          const found = keysIn(await walked(view, prefix, position, collapses));
          const told = [...Buffer.from(JSON.stringify({ prefix, after, collapses, keys }))];
          expect(found, String.fromCharCode(...told)).toEqual(expected(keys, prefix, after, collapses));
          // Each position that it tells leads on to the same rest.
          const all = await walked(view, prefix, position, collapses);
          for (const [index, { position: here }] of all.entries()) {
            expect(keysIn(await walked(view, prefix, here, collapses))).toEqual(found.slice(index + 1));
          }
        }
      }
    }),
    { seed, numRuns: 25 },
  );
}, 60_000);
