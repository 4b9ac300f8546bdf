import { getMimeType } from "hono/utils/mime";

/** Endings of names that are text for people, whatever a registry of types says. */
const textEndings = new Set(
  "asc bash bat c cc cfg clj cmake conf cpp crt cs diff dockerfile env erl ex f90 fish gitignore go gradle groovy h hpp hs inc ini java jl jsonl kt kts lisp list lock log lua m mak md mk ml ndjson nix out patch pem php pl pm properties proto ps1 py r rb repo rs rst s scala service sh socket sql swift tcl tex timer toml ts tsv tsx txt vb vim y yaml yml zig zsh".split(
    " ",
  ),
);
/** Whole names without an ending that are text. */
const textNames =
  /^(?:README|LICEN[CS]E|COPYING|NOTICE|AUTHORS|CHANGELOG|INSTALL|Makefile|Dockerfile|fstab|passwd|group|hosts|hostname|crontab|motd|issue|profile|shells|services|protocols)$/i;

/** Sound, pictures and others that browsers know and the registry of types does not. */
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
  svgz: "application/gzip",
  wav: "audio/wav",
};

/** Settings of programs: a dot and one word. Some of those are no text. */
const dotName = /^\.[^.]+$/;
const binaryDotNames = /^\.(?:DS_Store|Xauthority|ICEauthority|esd_auth|localized|swp|directory\.lock)$/;
/** What a rotated log has behind its name: a number or a date. */
const rotated = /(?:\.[1-9]\d?|[.-](?:19|20)\d{2}-?\d{2}-?\d{2}|\.old)$/;
const unknown = "application/octet-stream";
const plainText = "text/plain";

/** The media type of a file by its name (a binary string), without a charset: a name does not tell it. Nothing is guessed from content. */
export function contentType(name: string): string {
  if (dotName.test(name)) return binaryDotNames.test(name) ? unknown : plainText;
  const isRotated = rotated.test(name);
  const plain = isRotated ? name.replace(rotated, "") : name;
  const ending = /\.([a-z0-9_-]+)$/i.exec(plain)?.[1]?.toLowerCase();
  if ((ending !== undefined && textEndings.has(ending)) || textNames.test(plain)) return plainText;
  if (ending === undefined) return isRotated ? plainText : unknown;
  const known = Object.hasOwn(mediaTypes, ending) ? mediaTypes[ending] : getMimeType(`x.${ending}`);
  return known?.replace(/; *charset=.*$/i, "") ?? unknown;
}
