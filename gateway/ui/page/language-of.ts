/** Endings that say another language than themselves. */
const endings: Readonly<Record<string, string>> = {
  cjs: "javascript",
  conf: "ini",
  cfg: "ini",
  env: "bash",
  h: "c",
  hpp: "cpp",
  htm: "xml",
  html: "xml",
  kts: "kotlin",
  mjs: "javascript",
  mts: "typescript",
  patch: "diff",
  service: "ini",
  socket: "ini",
  svg: "xml",
  timer: "ini",
  toml: "ini",
  vue: "xml",
  zsh: "bash",
};

/** The language of a file by its name, as the highlighter calls it. */
export function languageOf(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (lower === "makefile" || lower.endsWith(".mk")) return "makefile";
  if (/^\.(?:bash|zsh|profile)/.test(lower)) return "bash";
  const ending = /\.([a-z0-9]+)$/.exec(lower)?.[1];
  return ending === undefined ? undefined : (endings[ending] ?? ending);
}
