// The type library in use has no WebAssembly; this is the part of its JavaScript interface that kernels need.
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

/** A running kernel. */
export type Kernel = {
  /** Its memory, zeroed, of which pages count only once they are written. Its buffer stays the same, and in its place, for ever. */
  readonly memory: Uint8Array<ArrayBuffer>;
  /** A function that it exports: numbers in, a number out, as of 32 bits with a sign. */
  readonly call: (name: string) => (...numbers: number[]) => number;
  /** A constant that it exports. */
  readonly constant: (name: string) => number;
};

/**
 * Starts a kernel that `renderedKernel` made, on memory of its own of at least `memoryBytes`.
 *
 * @param base64 - the WASM module
 */
export function startKernel(base64: string, memoryBytes: number): Kernel {
  const pages = Math.ceil(memoryBytes / pageBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(base64, "base64")), {
    env: { memory },
  });
  return {
    memory: new Uint8Array(memory.buffer),
    call(name) {
      const exported = exports[name];
      if (typeof exported !== "function") throw new TypeError(`the kernel has no function ${name}`);
      return exported as (...numbers: number[]) => number;
    },
    constant: (name) => (exports[name] as { readonly value: number }).value,
  };
}
