import { renderedKernel } from "#shared/wasm/compile-kernel.ts";

/** `scan-wasm.ts` as it should be: what `scan.as.ts` compiles to. */
export function renderedScanKernel(): Promise<string> {
  return renderedKernel(new URL("scan.as.ts", import.meta.url), {
    name: "scanWasmBase64",
    doc: "The kernel of scans as WASM, in base64: made from `scan.as.ts` by `npm run build:kernel`.",
  });
}
