import { readFile } from "node:fs/promises";
import { compileString } from "assemblyscript/asc";

/**
 * Compiles the AssemblyScript at `source` to a kernel, whose memory is the importer's. The same compiler, pinned in package.json, gives the same
 * bytes on every machine.
 *
 * @returns the text of a module that exports the kernel in base64 as the constant `name`; `doc` says what it is
 */
export async function renderedKernel(
  source: URL,
  { name, doc }: { readonly name: string; readonly doc: string },
): Promise<string> {
  const { error, binary } = await compileString(await readFile(source, "utf8"), {
    optimizeLevel: 3,
    shrinkLevel: 0,
    runtime: "stub",
    noAssert: true,
    importMemory: true,
    initialMemory: 1,
  });
  if (error !== null || binary === null) {
    throw new Error(`Cannot compile ${source.pathname}: ${error?.message ?? "no output"}`, { cause: error });
  }
  const lines =
    Buffer.from(binary)
      .toString("base64")
      .match(/.{1,100}/g) ?? [];
  return [`/** ${doc} */`, `export const ${name} =`, `${lines.map((line) => `  "${line}"`).join(" +\n")};`, ""].join(
    "\n",
  );
}
