import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { compileGearKernel, renderGearWasm } from "./compile.ts";
import { gearWasmBase64 } from "./gear-wasm.ts";

test("the committed kernel is what its source compiles to, byte for byte (else run `npm run build:kernel`)", async () => {
  const binary = await compileGearKernel();
  expect(Buffer.from(binary).toString("base64")).toBe(gearWasmBase64);
  expect(await readFile(new URL("gear-wasm.ts", import.meta.url), "utf8")).toBe(renderGearWasm(binary));
});
