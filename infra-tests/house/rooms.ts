/**
 * The doors of the house: who may import from where. A name that is missing is a closed door. `house.test.ts` holds the code to
 * it, and `.github/ARCHITECTURE.md` explains it.
 */

/** What each house may enter. Tests and benches may start anything. */
export const houses: Readonly<Record<string, readonly string[]>> = {
  shared: ["shared"],
  agent: ["agent", "shared"],
  functions: ["functions", "shared"],
  gateway: ["gateway", "shared"],
  cdk: ["cdk", "shared"],
  "infra-tests": ["infra-tests", "agent", "cdk", "functions", "gateway", "shared"],
};

/** Files that may enter one file of another house: where houses are wired together. @see shared/decisions/0012 */
export const houseDoors: Readonly<Record<string, readonly string[]>> = {
  "agent/wiring.ts": ["gateway/start-gateway.ts"],
};

/** Files of `shared/` that every room may enter. */
export const openToAll: readonly string[] = [
  "errors.ts",
  "clock.ts",
  "random.ts",
  "seeded-numbers.ts",
  "unless-aborted.ts",
];

/**
 * What each room of `shared/` may enter, besides itself and `openToAll`. Rooms further down stand on rooms further up:
 * `format` is codecs and never does I/O; `store` moves opaque bytes and never decodes; they meet in `log` and `repository`.
 */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  bytes: [],
  work: [],
  wasm: [],
  crypto: ["bytes", "work"],
  compression: ["bytes"],
  chunking: ["bytes", "crypto", "wasm"],
  format: ["bytes", "crypto"],
  store: ["bytes"],
  log: ["bytes", "crypto", "format", "store"],
  tree: ["bytes", "format"],
  repository: ["bytes", "crypto", "chunking", "compression", "format", "store", "log", "work"],
  snapshot: ["bytes", "crypto", "format", "log", "tree", "repository"],
  connectors: ["bytes", "format"],
  view: ["bytes", "crypto", "format", "log", "tree", "repository", "snapshot", "store"],
  operations: [
    "bytes",
    "work",
    "crypto",
    "compression",
    "chunking",
    "format",
    "store",
    "log",
    "tree",
    "repository",
    "snapshot",
    "connectors",
  ],
};

/** The built-in modules that reach the outside, and the only places of `shared/` that may import them. */
export const outsideModules: readonly string[] = [
  "child_process",
  "cluster",
  "dgram",
  "dns",
  "fs",
  "fs/promises",
  "http",
  "http2",
  "https",
  "net",
  "os",
  "process",
  "tls",
];

/** Beginnings of paths below which `shared/` may import `outsideModules`: store adapters, and what builds kernels. */
export const outsideAllowed: readonly string[] = [
  "shared/store/",
  "shared/chunking/kernel/",
  "shared/wasm/compile-kernel.ts",
];

/** Beginnings of paths that may read `process.env`: the wiring of each house, and what runs outside the houses. */
export const environmentAllowed: readonly string[] = [
  "agent/wiring.ts",
  "agent/main.ts",
  "agent/end-process.ts",
  "agent/config/",
  "agent/holdfast.cjs",
  "agent/demo/",
  "functions/wiring.ts",
  "gateway/wiring.ts",
  "cdk/wiring.ts",
  "infra-tests/",
];

/** Files that may call `process.exit`. */
export const exitAllowed: readonly string[] = ["agent/end-process.ts", "infra-tests/s3/s3rver-process.ts"];

/** No file but tests may be longer than this. */
export const fileLinesMax = 400;

/** Files that are longer all the same, and how long they may be. This list only gets shorter, its numbers only smaller. */
export const longFiles: Readonly<Record<string, number>> = {
  "infra-tests/fidelity/compare-trees.ts": 408,
};
