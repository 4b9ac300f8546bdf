/*
 * Builds `dist/` for the package: Node runs TypeScript unbuilt, except below a node_modules directory, where an installed package
 * lives. The whole program is one plain file, and so is what each thread runs; the packages that they use are in them, for to find and link dozens of
 * modules takes longer than a short run has to do. Outside stay those packages with machine code and the largest, which npm installs. What the sources
 * name by `new URL("./x.ts", import.meta.url)`, such as a worker, becomes a file of its own beside the others.
 */
import { build } from "esbuild";
import { cpSync, globSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const namedByUrl = /new URL\(\s*"\.\/([\w-]+)\.ts",\s*import\.meta\.url\s*,?\s*\)/g;

/** Packages that stay outside. */
const outside = ["koffi", "@napi-rs/*", "@aws-sdk/*"];

/** Modules that are started or loaded by their URL, as threads are: name in `dist/` → path. */
function threads() {
  const entries = {};
  for (const path of globSync("{agent,shared}/**/*.ts", { cwd: root }).filter((each) => !each.endsWith(".test.ts"))) {
    for (const [, name] of readFileSync(join(root, path), "utf8").matchAll(namedByUrl)) {
      const target = join(root, dirname(path), `${name}.ts`);
      if ((entries[name] ?? target) !== target) throw new Error(`Two modules started by URL are called ${name}`);
      entries[name] = target;
    }
  }
  return entries;
}

/** In `dist/` all files are in one directory and end in .js. */
const urls = {
  name: "urls",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      loader: "ts",
      contents: readFileSync(path, "utf8").replaceAll(
        namedByUrl,
        (_, name) => `new URL("./${name}.js", import.meta.url)`,
      ),
    }));
  },
};

/** Threads that load a module by its URL, and such modules: what they have in common must be the same to both, so it is in files of its own. */
const sharing = ["backup-worker", "file-content-reader", "restore-worker", "file-content-writer"];
const [shared, alone] = [true, false].map((isShared) =>
  Object.fromEntries(Object.entries(threads()).filter(([name]) => sharing.includes(name) === isShared)),
);

rmSync(join(root, "dist"), { recursive: true, force: true });
const common = {
  absWorkingDir: root,
  outdir: "dist",
  bundle: true,
  platform: "node",
  target: "node24",
  external: outside,
  // As modules, of which what is not used is left out.
  mainFields: ["module", "main"],
  plugins: [urls],
  metafile: true,
  logLevel: "warning",
};
const built = await Promise.all([
  build({
    ...common,
    // `start.cjs` starts `main.cjs`. Scripts, because a script can have its compiled code kept (agent/kept-code) and starts sooner than a module.
    entryPoints: { main: "agent/main.ts", start: "agent/packaged.ts" },
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    // What is loaded later is loaded by require(): in a script that was compiled beforehand Node's import() warns that it is experimental.
    supported: { "dynamic-import": false },
    define: { "import.meta.url": "__url" },
    banner: { js: 'const __url = require("url").pathToFileURL(__filename).href;' },
  }),
  build({ ...common, entryPoints: alone, format: "esm" }),
  build({ ...common, entryPoints: shared, format: "esm", splitting: true, chunkNames: "[name]-[hash]" }),
]);
const [inputs, outputs] = ["inputs", "outputs"].map((kind) =>
  Object.assign({}, ...built.map(({ metafile }) => metafile[kind])),
);
// The page of the web UI, which gateway/ui/ui-files.ts looks for beside itself.
cpSync(join(root, "gateway/ui/built"), join(root, "dist/built"), { recursive: true });
writeFileSync(join(root, "dist", "licences-of-packages.txt"), licencesOf(Object.keys(inputs)));
for (const [path, { bytes, entryPoint }] of Object.entries(outputs)) {
  console.log(`${path} ${bytes} bytes${entryPoint ? ` (from ${basename(entryPoint)})` : ""}`);
}

/** The licences of the packages that some of `paths` belong to. */
function licencesOf(paths) {
  const packages = paths.map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  const texts = [...new Set(packages)].filter(Boolean).map((path) => {
    const directory = join(root, path);
    const files = readdirSync(directory).filter((name) => /^licen[cs]e/i.test(name));
    if (files.length === 0) throw new Error(`Cannot find the licence of ${path}`);
    const { name, version } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    return [`${name} ${version}`, ...files.map((file) => readFileSync(join(directory, file), "utf8").trim())];
  });
  return `${texts.flat().join("\n\n")}\n`;
}
