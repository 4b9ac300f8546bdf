import { startKernel } from "#shared/wasm/start-kernel.ts";
import { gearWasmBase64 } from "./gear-wasm.ts";

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
  const { memory, call } = startKernel(gearWasmBase64, memoryBytes);
  // WASM has no unsigned numbers at its border; memory stays under 2 GiB, so none is lost.
  return { memory, scan: call("scan") };
}
