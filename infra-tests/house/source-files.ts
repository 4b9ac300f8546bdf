import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A file of the repository: its path from the root, and its text. */
export type SourceFile = { readonly path: string; readonly text: string };

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The files of the repository that match `pattern`, in order of their paths. */
export function sourceFiles(pattern: string): readonly SourceFile[] {
  return globSync(pattern, { cwd: root, exclude: (name) => name.includes("node_modules") })
    .sort()
    .map((path) => ({ path, text: readFileSync(root + path, "utf8") }));
}

/** Whether a file is there for tests only: a test, a suite, fixtures. Such files may enter any room of their house. */
export function isTestFile(path: string): boolean {
  return /\.(test|conformance|fixtures|testing)\.ts$|\/fake-[a-z-]+\.ts$|^infra-tests\//.test(path);
}

/** Everything that a file imports, as written: by `import`, `export from` and `import()`, types included. */
export function importsOf(file: SourceFile): readonly string[] {
  const found = file.text.matchAll(/(?:^|[\s;])(?:import|from)\s*\(?\s*["']([^"'\n]+)["']/g);
  return Array.from(found, ([, specifier]) => specifier!);
}
