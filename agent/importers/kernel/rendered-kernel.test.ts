import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { renderedScanKernel } from "./rendered-kernel.ts";

test("the committed kernel is what its source compiles to, byte for byte (else run `npm run build:kernel`)", async () => {
  expect(await readFile(new URL("scan-wasm.ts", import.meta.url), "utf8")).toBe(await renderedScanKernel());
});
