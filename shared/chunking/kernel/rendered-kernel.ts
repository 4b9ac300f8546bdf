import { renderedKernel } from "#shared/wasm/compile-kernel.ts";

/** `gear-wasm.ts` as it should be: what `gear.as.ts` compiles to. */
export function renderedGearKernel(): Promise<string> {
  return renderedKernel(new URL("gear.as.ts", import.meta.url), {
    name: "gearWasmBase64",
    doc: "The chunker's kernel as WASM, in base64: made from `gear.as.ts` by `npm run build:kernel`.",
  });
}
