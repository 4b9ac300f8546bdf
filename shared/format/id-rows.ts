import { ByteReader } from "#shared/bytes/byte-reader.ts";
import { ByteWriter } from "#shared/bytes/byte-writer.ts";
import { HoldfastError } from "#shared/errors.ts";

/** Rows of equal length that ascend strictly by the id with which each begins. They may be read again and again, one at a time. */
export type IdRows<Row> = Iterable<Row> & { readonly length: number };

/** How long rows are, and the ids with which they begin. */
export type RowLayout = { readonly rowBytes: number; readonly idBytes: number };

/**
 * Writes rows one behind the other.
 *
 * @param rows - ascending
 * @throws {HoldfastError} internal: they do not ascend, or are not as many as they say
 */
export function encodeIdRows<Row>(
  rows: IdRows<Row>,
  { rowBytes, idBytes }: RowLayout,
  write: (writer: ByteWriter, row: Row) => void,
): Uint8Array {
  const writer = new ByteWriter(rows.length * rowBytes);
  for (const row of rows) write(writer, row);
  const bytes = writer.view();
  if (bytes.byteLength !== rows.length * rowBytes)
    throw new HoldfastError("internal", "Cannot write a checkpoint: its rows are not as many as it says");
  for (let at = rowBytes; at < bytes.byteLength; at += rowBytes)
    if (!ascends(bytes, at, { rowBytes, idBytes }))
      throw new HoldfastError("internal", "Cannot write a checkpoint: its rows do not ascend");
  return bytes;
}

/**
 * The rows that stand in `bytes`; each is read when its turn comes, and all of them once to see that they are right.
 *
 * @throws {HoldfastError} corrupt: they do not ascend, or `read` refuses one
 */
export function decodeIdRows<Row>(
  bytes: Uint8Array,
  layout: RowLayout,
  subject: string,
  read: (reader: ByteReader) => Row,
): IdRows<Row> {
  const rows = new StoredRows(bytes, layout.rowBytes, subject, read);
  for (let at = layout.rowBytes; at < bytes.byteLength; at += layout.rowBytes)
    if (!ascends(bytes, at, layout)) new ByteReader(bytes, subject).fail("has rows that do not ascend");
  for (const row of rows) void row;
  return rows;
}

/** Writes an integer up to 2^53 in 8 bytes. */
export function writeU64(writer: ByteWriter, value: number): void {
  writer.u32(value % 2 ** 32);
  writer.u32(Math.floor(value / 2 ** 32));
}

/** Reads what `writeU64` wrote. @throws {HoldfastError} corrupt: above 2^53 */
export function readU64(reader: ByteReader): number {
  const value = reader.u32() + reader.u32() * 2 ** 32;
  if (!Number.isSafeInteger(value)) reader.fail("holds an integer above 2^53");
  return value;
}

/** Reads the number of an entry. @throws {HoldfastError} corrupt: it is not from 1 to `lastSeq` */
export function readSeq(reader: ByteReader, lastSeq: number): number {
  const seq = readU64(reader);
  if (seq < 1 || seq > lastSeq) reader.fail("names an entry that it does not fold");
  return seq;
}

class StoredRows<Row> implements Iterable<Row> {
  readonly length: number;
  readonly #bytes: Uint8Array;
  readonly #subject: string;
  readonly #read: (reader: ByteReader) => Row;

  constructor(bytes: Uint8Array, rowBytes: number, subject: string, read: (reader: ByteReader) => Row) {
    this.#bytes = bytes;
    this.length = Math.ceil(bytes.byteLength / rowBytes);
    this.#subject = subject;
    this.#read = read;
  }

  *[Symbol.iterator](): Generator<Row, void, undefined> {
    const reader = new ByteReader(this.#bytes, this.#subject);
    for (let left = this.length; left > 0; left--) yield this.#read(reader);
  }
}

function ascends(bytes: Uint8Array, at: number, { rowBytes, idBytes }: RowLayout): boolean {
  for (let index = at; index < at + idBytes; index++) {
    const order = (bytes[index] ?? 0) - (bytes[index - rowBytes] ?? 0);
    if (order !== 0) return order > 0;
  }
  return false;
}
