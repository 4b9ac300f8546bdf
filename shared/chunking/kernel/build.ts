import { writeFile } from "node:fs/promises";
import { renderedGearKernel } from "./rendered-kernel.ts";

await writeFile(new URL("gear-wasm.ts", import.meta.url), await renderedGearKernel());
