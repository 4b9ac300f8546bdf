import { wrapText } from "./wrap-text.ts";

/** A term and what it means. */
export type Definition = readonly [term: string, meaning: string];

/** Terms with their meanings in a second column, wrapped to `columns`, each line indented by two. */
export function definitions(rows: readonly Definition[], columns: number): string {
  const termColumns = Math.min(22, Math.max(...rows.map(([term]) => term.length)));
  const indent = termColumns + 4;
  return rows.flatMap(([term, meaning]) => lines(term, meaning, { columns, indent })).join("\n");
}

function lines(term: string, meaning: string, place: { readonly columns: number; readonly indent: number }): string[] {
  const { columns, indent } = place;
  const [first = "", ...rest] = wrapText(meaning, columns, indent);
  if (term.length > indent - 4) return [`  ${term}`, first, ...rest];
  return [`  ${term}`.padEnd(indent) + first.trimStart(), ...rest];
}

/** Text in lines of at most `columns`. */
export function paragraph(text: string, columns: number): string {
  return wrapText(text, columns, 0).join("\n");
}
