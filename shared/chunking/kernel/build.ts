import { writeFile } from "node:fs/promises";
import { compileGearKernel, renderGearWasm } from "./compile.ts";

const binary = await compileGearKernel();
await writeFile(new URL("gear-wasm.ts", import.meta.url), renderGearWasm(binary));
process.stdout.write(`gear-wasm.ts: ${binary.length} bytes of WASM\n`);
