import type { ApiEntry } from "./answers.ts";
import { readBytes } from "./ask.ts";
import { usePages } from "./use-pages.ts";
import { VirtualRows } from "./virtual-rows.tsx";

const rowBytes = 16;
const pageBytes = 16 * 1024;
const rowPixels = 21;

/** The bytes of a file of any size; reads what is in sight. */
export function HexView({ entry }: { readonly entry: ApiEntry }) {
  const { path, sizeBytes } = entry;
  const pages = usePages(path, (number, signal) =>
    readBytes(path, number * pageBytes, Math.min(sizeBytes, (number + 1) * pageBytes), signal),
  );
  const rows = Math.ceil(sizeBytes / rowBytes);
  const digits = Math.max(8, (sizeBytes - 1).toString(16).length);
  return (
    <>
      <VirtualRows
        count={rows}
        rowHeight={rowPixels}
        onWindow={(from, end) =>
          pages.want(
            Math.floor((from * rowBytes) / pageBytes),
            Math.floor((Math.max(from, end - 1) * rowBytes) / pageBytes),
          )
        }
        attributes={{
          class: "virtual text hex",
          role: "document",
          "aria-label": `Bytes of ${entry.name}`,
          style: { height: `min(70vh, ${rows * rowPixels + 26}px)` },
        }}
        row={(index) => {
          const start = index * rowBytes;
          const page = pages.page(Math.floor(start / pageBytes));
          const bytes = page?.subarray(start % pageBytes, (start % pageBytes) + rowBytes);
          return (
            <code class="line">
              <span class="line-number">{start.toString(16).padStart(digits, "0")}</span>
              <span class="hex-bytes">{bytes === undefined ? "" : hexOf(bytes)}</span>
              <span class="hex-text">{bytes === undefined ? "" : textOf(bytes)}</span>
            </code>
          );
        }}
      />
      {pages.error !== undefined && (
        <p class="failure" role="alert">
          {pages.error.message}
        </p>
      )}
    </>
  );
}

function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const [index, byte] of bytes.entries())
    text += `${index === 8 ? "  " : index > 0 ? " " : ""}${byte.toString(16).padStart(2, "0")}`;
  return text.padEnd(rowBytes * 3);
}

function textOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "·";
  return text;
}
