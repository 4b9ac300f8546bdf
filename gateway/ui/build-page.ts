import { mkdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build, type InlineConfig } from "vite";

const page = fileURLToPath(new URL("./page/", import.meta.url));

/** Builds the page of the web UI into a directory, the same bytes each time. Needs Vite: for developers. */
export async function buildPage(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await build(
    config(directory, {
      modulePreload: false,
      rollupOptions: {
        output: {
          entryFileNames: "ui.js",
          assetFileNames: ({ names }) => (names[0]?.endsWith(".css") ? "ui.css" : "[name][extname]"),
          codeSplitting: false,
        },
      },
    }),
  );
  await build(
    config(directory, {
      lib: { entry: `${page}worker.ts`, formats: ["iife"], name: "worker", fileName: () => "worker.js" },
    }),
  );
}

function config(outDir: string, settings: InlineConfig["build"]): InlineConfig {
  return {
    root: page,
    base: "./",
    configFile: false,
    envDir: false,
    publicDir: false,
    logLevel: "warn",
    build: {
      outDir,
      emptyOutDir: false,
      target: "es2022",
      assetsInlineLimit: 0,
      reportCompressedSize: false,
      ...settings,
    },
  };
}
