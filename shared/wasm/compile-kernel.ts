import { readFile } from "node:fs/promises";
import { compileString } from "assemblyscript/asc";

/**
 * Compiles the AssemblyScript at `source` for memory that is the importer's. The same compiler, pinned in package.json, gives the same bytes
 * on every machine.
 *
 * @param initialMemory - pages of 64 KiB that the importer's memory has at least
 * @returns the WASM module
 */
export async function compileKernel(source: URL, initialMemory: number): Promise<Uint8Array> {
  const { error, binary } = await compileString(await readFile(source, "utf8"), {
    optimizeLevel: 3,
    shrinkLevel: 0,
    runtime: "stub",
    noAssert: true,
    importMemory: true,
    initialMemory,
  });
  if (error !== null || binary === null) {
    throw new Error(`Cannot compile ${source.pathname}: ${error?.message ?? "no output"}`, { cause: error });
  }
  return binary;
}

/** The text of a module that exports `binary` as the constant `name`; `doc` says what it is. */
export function renderKernel(
  binary: Uint8Array,
  { name, doc }: { readonly name: string; readonly doc: string },
): string {
  const base64 = Buffer.from(binary).toString("base64");
  const lines = base64.match(/.{1,100}/g) ?? [];
  return [`/** ${doc} */`, `export const ${name} =`, `${lines.map((line) => `  "${line}"`).join(" +\n")};`, ""].join(
    "\n",
  );
}
