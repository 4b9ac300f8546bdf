import type { Sink } from "./renderer.ts";

/** A control sequence (ECMA-48 section 5.4), or one character. */
const tokens = /\p{Cc}\[\??\d*(?:;\d+)*[A-Za-z]|[\s\S]/gu;

/**
 * A terminal for tests: understands the few control sequences that the live view uses, and tells what a person would see.
 * An unknown sequence is an error, and so is a line that would wrap.
 */
export class FakeTerminal implements Sink {
  readonly #columns: number;
  readonly #lines: string[] = [""];
  #row = 0;
  #column = 0;
  cursorShown = true;
  /** Everything that was written, raw. */
  raw = "";

  constructor(columns = 80) {
    this.#columns = columns;
  }

  write(text: string): void {
    this.raw += text;
    for (const [token] of text.matchAll(tokens)) this.#take(token);
  }

  columns(): number {
    return this.#columns;
  }

  /** The lines on the screen and above, without the empty ones at the end. */
  screen(): string[] {
    return this.#lines.slice(0, this.#lines.findLastIndex((line) => line !== "") + 1).map((line) => line.trimEnd());
  }

  #take(token: string): void {
    if (token === "\n") {
      this.#row += 1;
      this.#column = 0;
      this.#lines[this.#row] ??= "";
    } else if (token === "\r") this.#column = 0;
    else if (token === "\x1b[A") this.#row = Math.max(0, this.#row - 1);
    else if (token === "\x1b[J") this.#eraseDown();
    else if (token === "\x1b[?25l") this.cursorShown = false;
    else if (token === "\x1b[?25h") this.cursorShown = true;
    else if (/^\p{Cc}\[\d+m$/u.test(token)) return;
    else if (/\p{Cc}/u.test(token)) throw new Error(`the terminal got ${JSON.stringify(token)}`);
    else this.#print(token);
  }

  #eraseDown(): void {
    this.#lines.length = this.#row + 1;
    this.#lines[this.#row] = this.#lines[this.#row]!.slice(0, this.#column);
  }

  #print(character: string): void {
    const line = this.#lines[this.#row]!;
    this.#lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + character.length);
    this.#column += character.length;
    if (this.#column > this.#columns) throw new Error(`a line wraps: ${this.#lines[this.#row]}`);
  }
}
