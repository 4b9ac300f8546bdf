/** `text` in lines of at most `columns` characters where words allow, each after `indent` spaces. */
export function wrapText(text: string, columns: number, indent: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent + line.length + 1 + word.length > columns) {
      lines.push(" ".repeat(indent) + line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, " ".repeat(indent) + line];
}
