import { getMimeType } from "hono/utils/mime";

/** Endings of names that are text for people, whatever a registry of types says. */
const textEndings = new Set(
  "asc bash bat c cc cfg clj cmake conf cpp crt cs diff dockerfile env erl ex f90 fish gitignore go gradle groovy h hpp hs inc ini java jl kt kts lisp list lock log lua m mak md mk ml nix out patch pem php pl pm properties proto ps1 py r rb repo rs rst s scala service sh socket sql swift tcl tex timer toml ts tsv tsx txt vb vim y yaml yml zig zsh".split(
    " ",
  ),
);
/** Whole names without an ending that are text. */
const textNames =
  /^(?:README|LICEN[CS]E|COPYING|NOTICE|AUTHORS|CHANGELOG|INSTALL|Makefile|Dockerfile|fstab|passwd|group|hosts|hostname|crontab|motd|issue|profile|shells|services|protocols)$/i;

/** Sound and pictures that browsers know and the registry of types does not. */
const mediaTypes: Readonly<Record<string, string>> = {
  bmp: "image/bmp",
  flac: "audio/flac",
  heic: "image/heic",
  m4a: "audio/mp4",
  m4v: "video/mp4",
  mkv: "video/x-matroska",
  mov: "video/quicktime",
  oga: "audio/ogg",
  ogg: "audio/ogg",
  wav: "audio/wav",
};

/** The media type of a file by its name (a binary string). Nothing is guessed from content. */
export function contentType(name: string): string {
  const ending = /\.([a-z0-9_-]+)$/i.exec(name)?.[1]?.toLowerCase();
  if ((ending !== undefined && textEndings.has(ending)) || textNames.test(name)) return "text/plain; charset=utf-8";
  if (ending === undefined) return "application/octet-stream";
  const known = Object.hasOwn(mediaTypes, ending) ? mediaTypes[ending] : getMimeType(`x.${ending}`);
  return known ?? "application/octet-stream";
}
