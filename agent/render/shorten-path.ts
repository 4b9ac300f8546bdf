import { characterWidth, displayWidth } from "./display-width.ts";

/**
 * A path in display form cut to `columnsMax` columns: the middle gives way to `…`, the name at the end stays longest.
 */
export function shortenPath(path: string, columnsMax: number): string {
  if (columnsMax <= 0) return "";
  if (displayWidth(path) <= columnsMax) return path;
  const name = path.slice(path.lastIndexOf("/"));
  const tailColumns = Math.min(Math.max(displayWidth(name), Math.floor((columnsMax * 2) / 3)), columnsMax - 1);
  const tail = takeEnd(path, tailColumns);
  return `${takeStart(path, columnsMax - 1 - displayWidth(tail))}…${tail}`;
}

function takeStart(text: string, columnsMax: number): string {
  let columns = 0;
  let taken = "";
  for (const character of text) {
    columns += characterWidth(character);
    if (columns > columnsMax) break;
    taken += character;
  }
  return taken;
}

function takeEnd(text: string, columnsMax: number): string {
  const characters = Array.from(text);
  let columns = 0;
  let start = characters.length;
  while (start > 0) {
    columns += characterWidth(characters[start - 1]!);
    if (columns > columnsMax) break;
    start -= 1;
  }
  return characters.slice(start).join("");
}
