/*
 * Builds `dist/` for the package: Node runs TypeScript unbuilt, except below a node_modules directory, where an installed package
 * lives. Every module of the program goes into one of a few plain files, and so do the packages that it uses: some are dozens of
 * small modules, which a short run would load one by one. Outside stay those with machine code and the largest, which npm installs. What the sources
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

/** Modules that are started or loaded by their URL: name in `dist/` → path. The program itself is `main`. */
function entryPoints() {
  const entries = { main: join(root, "agent/main.ts") };
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

/**
 * What is loaded when it is needed, but needed by most commands: all of it is one piece. Otherwise whatever two of these use in common
 * becomes a file of its own, of which a short run would load dozens; finding and linking them takes longer than its work.
 */
const engine = globSync(
  [
    "agent/engine/{store-engine,undelete-or-tell,run-*}.ts",
    "agent/config/{directories,read-secret}.ts",
    "shared/store/{open-store,store-location}.ts",
    "shared/log/remove-snapshots.ts",
    "shared/repository/create-repository.ts",
  ],
  { cwd: root },
).map((path) => join(root, path));
const together = {
  name: "together",
  setup({ onLoad, onResolve, resolve }) {
    onResolve({ filter: /\.ts$/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (kind !== "dynamic-import" || pluginData === "seen") return undefined;
      const found = await resolve(path, { kind, resolveDir, pluginData: "seen" });
      return engine.includes(found.path) ? { path: "engine", namespace: "together" } : found;
    });
    onLoad({ filter: /^engine$/, namespace: "together" }, () => ({
      contents: engine.map((path) => `export * from ${JSON.stringify(path)};`).join("\n"),
      resolveDir: root,
    }));
  },
};

rmSync(join(root, "dist"), { recursive: true, force: true });
const { main, ...threads } = entryPoints();
const common = {
  absWorkingDir: root,
  outdir: "dist",
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node24",
  external: outside,
  // As modules, of which what is not used is left out.
  mainFields: ["module", "main"],
  metafile: true,
  logLevel: "warning",
};
// What runs in a thread is one file, whatever it has in common with the rest.
const built = await Promise.all([
  build({ ...common, entryPoints: { main }, splitting: true, chunkNames: "[name]-[hash]", plugins: [together, urls] }),
  build({ ...common, entryPoints: threads, plugins: [urls] }),
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
