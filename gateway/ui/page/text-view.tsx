import { useEffect, useState } from "preact/hooks";
import type { ApiEntry } from "./answers.ts";
import { readBytes } from "./ask.ts";
import { formatBytes } from "./format.ts";
import { Empty, Failure, Loading } from "./notices.tsx";
import { harmless } from "./harmless.ts";
import { type Token, useHighlighted } from "./use-highlighted.ts";
import { VirtualRows } from "./virtual-rows.tsx";

/** Bytes of a file that are shown as text. */
export const textBytesMax = 1024 * 1024;
const linePixels = 21;
/** Characters of a line that are shown. */
const lineCharactersMax = 2000;

/** The beginning of a file as text, with line numbers. @param isStrict - say so when it is none, rather than leave */
export function TextView({
  entry,
  onBinary,
  isStrict,
}: {
  readonly entry: ApiEntry;
  readonly onBinary: () => void;
  readonly isStrict: boolean;
}) {
  const [text, setText] = useState<string | undefined>(undefined);
  const [error, setError] = useState<Error | undefined>(undefined);
  const [isBinary, setIsBinary] = useState(false);
  useEffect(() => {
    const stop = new AbortController();
    readBytes(entry.path, 0, Math.min(entry.sizeBytes, textBytesMax), stop.signal).then(
      (bytes) => {
        const decoded = decodeText(bytes, entry.sizeBytes > textBytesMax);
        if (decoded !== undefined) setText(decoded);
        else if (isStrict) setIsBinary(true);
        else onBinary();
      },
      (failure: Error) => {
        if (!stop.signal.aborted) setError(failure);
      },
    );
    return () => stop.abort();
  }, [entry.path]);
  const highlighted = useHighlighted(text, entry.name);
  if (error !== undefined) return <Failure error={error} />;
  if (isBinary) return <Empty title="This is no text" />;
  if (text === undefined) return <Loading what="Reading" />;
  const lines = highlighted ?? text.split("\n").map((line): Token[] => [[line, ""]]);
  if (lines.length > 1 && text.endsWith("\n")) lines.pop();
  return (
    <>
      {entry.sizeBytes > textBytesMax && (
        <p class="muted small" role="status">
          The first {formatBytes(textBytesMax)} of {formatBytes(entry.sizeBytes)}. Download it to see the rest.
        </p>
      )}
      <VirtualRows
        count={lines.length}
        rowHeight={linePixels}
        onWindow={() => undefined}
        attributes={{
          class: "virtual text",
          role: "document",
          "aria-label": `Text of ${entry.name}`,
          style: {
            height: `min(70vh, ${lines.length * linePixels + 26}px)`,
            "--gutter": `${String(lines.length).length + 2}ch`,
          },
        }}
        row={(index) => (
          <code class="line">
            <span class="line-number" aria-hidden="true">
              {index + 1}
            </span>
            <span class="line-text">{shortened(lines[index] ?? [])}</span>
          </code>
        )}
      />
    </>
  );
}

function shortened(tokens: readonly Token[]) {
  let left = lineCharactersMax;
  return tokens.map(([text, kind], index) => {
    if (left <= 0) return null;
    const shown = harmless(text.slice(0, left));
    left -= text.length;
    const more = left <= 0 ? " …" : "";
    return kind === "" ? (
      shown + more
    ) : (
      <span key={index} class={kind}>
        {shown + more}
      </span>
    );
  });
}

/** Bytes as text; undefined: they are none. @param isCut - the last character may be in pieces */
export function decodeText(bytes: Uint8Array, isCut: boolean): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: isCut });
  } catch {
    const strange = bytes
      .subarray(0, 4096)
      .filter((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27)).length;
    return strange > 0 ? undefined : new TextDecoder("latin1").decode(bytes);
  }
}
