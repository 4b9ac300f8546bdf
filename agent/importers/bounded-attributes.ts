import type { ExtendedAttributes } from "#shared/connectors/content-reader.ts";

/** Bytes of names and values that one entry keeps: far more than common filesystems allow, and less than a tree node holds. */
const attributesMaxBytes = 4 * 1024 * 1024;

/** The attributes of an entry, without those that do not fit; `onDropped` is told of each. Undefined for none. */
export function boundedAttributes(
  read: ExtendedAttributes,
  onDropped: (message: string) => void,
): ExtendedAttributes | undefined {
  let bytes = 0;
  const kept = read.filter(([name, value]) => {
    bytes += name.length + value.byteLength;
    if (bytes <= attributesMaxBytes) return true;
    onDropped(`${name}: it is not kept, because the attributes of this entry exceed ${attributesMaxBytes} bytes`);
    return false;
  });
  return kept.length === 0 ? undefined : kept;
}
