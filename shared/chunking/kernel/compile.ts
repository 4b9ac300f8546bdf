import { readFile } from "node:fs/promises";
import { compileString } from "assemblyscript/asc";

const sourceUrl = new URL("gear.as.ts", import.meta.url);

/**
 * Compiles the chunker's kernel. The same compiler, pinned in package.json, gives the same bytes on every machine.
 *
 * @returns the WASM module
 */
export async function compileGearKernel(): Promise<Uint8Array> {
  const { error, binary } = await compileString(await readFile(sourceUrl, "utf8"), {
    optimizeLevel: 3,
    shrinkLevel: 0,
    runtime: "stub",
    noAssert: true,
    importMemory: true,
    initialMemory: 1,
  });
  if (error !== null || binary === null) {
    throw new Error(`Cannot compile ${sourceUrl.pathname}: ${error?.message ?? "no output"}`, { cause: error });
  }
  return binary;
}

/** The text of `gear-wasm.ts` that carries `binary`. */
export function renderGearWasm(binary: Uint8Array): string {
  const base64 = Buffer.from(binary).toString("base64");
  const lines = base64.match(/.{1,100}/g) ?? [];
  return [
    "/** The chunker's kernel as WASM, in base64: made from `gear.as.ts` by `npm run build:kernel`. */",
    "export const gearWasmBase64 =",
    `${lines.map((line) => `  "${line}"`).join(" +\n")};`,
    "",
  ].join("\n");
}
