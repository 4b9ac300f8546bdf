import { writeFile } from "node:fs/promises";
import { renderedScanKernel } from "./rendered-kernel.ts";

await writeFile(new URL("scan-wasm.ts", import.meta.url), await renderedScanKernel());
