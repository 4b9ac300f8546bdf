import { gearWasmBase64 } from "./gear-wasm.ts";

// The type library in use has no WebAssembly; this is the part of its JavaScript interface that the kernel needs.
type WasmMemory = { readonly buffer: ArrayBuffer };
declare const WebAssembly: {
  readonly Memory: new (pages: { initial: number; maximum: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { env: { memory: WasmMemory } },
  ) => { readonly exports: Readonly<Record<string, unknown>> };
};

const pageBytes = 64 * 1024;

/** An instance of the kernel with memory of its own. */
export type GearKernel = {
  /** The kernel's memory; its first 2048 bytes are the gear table. Its buffer stays the same for ever. */
  readonly memory: Uint8Array<ArrayBuffer>;
  /**
   * The first address in [at, end) after whose byte the gear hash is below 2^(64 - bits), or `end`. Reads the 63 bytes before
   * `at` as well.
   */
  readonly scan: (at: number, end: number, bits: number) => number;
};

/** Starts the kernel on zeroed memory of at least `memoryBytes`, of which pages count only once they are written. */
export function createGearKernel(memoryBytes: number): GearKernel {
  const pages = Math.ceil(memoryBytes / pageBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const module = new WebAssembly.Module(Buffer.from(gearWasmBase64, "base64"));
  const { scan } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  if (typeof scan !== "function") throw new TypeError("the chunker's kernel has no function `scan`");
  return {
    memory: new Uint8Array(memory.buffer),
    // WASM has no unsigned numbers at its border; memory stays under 2 GiB, so none is lost.
    scan: (at, end, bits) => Number(scan(at, end, bits)),
  };
}
