import type { ByteReader } from "#shared/bytes/byte-reader.ts";
import type { ByteWriter } from "#shared/bytes/byte-writer.ts";

/** The two ways in which tree nodes hold text of one char per byte. */
export const nodeText = { write: writeText, read: readText, writeFrontCoded, readFrontCoded } as const;

/** Length as varint, bytes. */
function writeText(writer: ByteWriter, text: string): void {
  writer.varint(text.length);
  writer.latin1(text);
}

function readText(reader: ByteReader, maxBytes: number): string {
  const length = reader.varint();
  if (length > maxBytes) reader.fail("holds a text that is too long");
  return reader.latin1(length);
}

/** How many bytes are those of the text before, how many follow, and these. */
function writeFrontCoded(writer: ByteWriter, previous: string, text: string): void {
  const limit = Math.min(previous.length, text.length);
  let shared = 0;
  while (shared < limit && previous.charCodeAt(shared) === text.charCodeAt(shared)) shared++;
  writer.varint(shared);
  writer.varint(text.length - shared);
  writer.latin1(text, shared);
}

function readFrontCoded(reader: ByteReader, previous: string, maxBytes: number): string {
  const shared = reader.varint();
  const length = reader.varint();
  if (shared > previous.length || shared + length > maxBytes) reader.fail("holds a text that is too long");
  return shared === 0 ? reader.latin1(length) : previous.slice(0, shared) + reader.latin1(length);
}
