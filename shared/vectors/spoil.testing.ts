import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import type { ErrorKind } from "#shared/errors.ts";
import { encodeCbor, type CborValue } from "#shared/format/cbor.ts";
import { frameHeaderBytes, frameTrailerBytes } from "#shared/format/frame.ts";

/** One way to spoil an encoded structure: the bytes that come of it and how a reader refuses them. */
export type Spoiled = {
  readonly name: string;
  readonly about: string;
  readonly bytes: Uint8Array;
  readonly expect: ErrorKind;
};

/** A copy with some bytes replaced. */
export function withBytes(
  bytes: Uint8Array,
  at: number,
  replacement: Uint8Array | readonly number[],
): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  copy.set(replacement, at < 0 ? bytes.byteLength + at : at);
  return copy;
}

/** A copy with one bit flipped. */
export function withFlippedBit(bytes: Uint8Array, at: number): Uint8Array<ArrayBuffer> {
  const index = at < 0 ? bytes.byteLength + at : at;
  return withBytes(bytes, index, [(bytes[index] ?? 0) ^ 1]);
}

/** A frame whose checksum is right again after its bytes were changed. */
export function withChecksum(frame: Uint8Array): Uint8Array<ArrayBuffer> {
  const body = frame.subarray(0, frame.byteLength - frameTrailerBytes);
  return concatBytes(body, sha256(body));
}

/** The payload of a frame. */
export function payloadOf(frame: Uint8Array): Uint8Array {
  return frame.subarray(frameHeaderBytes, frame.byteLength - frameTrailerBytes);
}

/** A frame of the same kind around another payload. */
export function withPayload(frame: Uint8Array, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, payload.byteLength, true);
  return withChecksum(concatBytes(frame.subarray(0, 16), length, payload, new Uint8Array(frameTrailerBytes)));
}

/**
 * What can be wrong with any frame, whatever is in it.
 *
 * @param newer - a version that there is not yet
 */
export function spoiledFrames(frame: Uint8Array, newer = 2): Spoiled[] {
  return [
    { name: "truncated", about: "The last byte is missing.", bytes: frame.slice(0, -1), expect: "corrupt" },
    { name: "truncated-header", about: "It ends within its header.", bytes: frame.slice(0, 15), expect: "corrupt" },
    { name: "empty", about: "There are no bytes.", bytes: new Uint8Array(0), expect: "corrupt" },
    {
      name: "trailing-byte",
      about: "A byte follows the frame.",
      bytes: concatBytes(frame, Uint8Array.of(0)),
      expect: "corrupt",
    },
    {
      name: "wrong-magic",
      about: "The first letter is another; the checksum is right.",
      bytes: withChecksum(withBytes(frame, 0, [0x47])),
      expect: "corrupt",
    },
    {
      name: "wrong-kind",
      about: "The four letters name no structure; the checksum is right.",
      bytes: withChecksum(withBytes(frame, 8, Buffer.from("NONE"))),
      expect: "corrupt",
    },
    {
      name: "newer-version",
      about: `Version ${newer}; the checksum is right.`,
      bytes: withChecksum(withBytes(frame, 12, [newer, 0])),
      expect: "incompatible",
    },
    {
      name: "version-zero",
      about: "Version 0; the checksum is right.",
      bytes: withChecksum(withBytes(frame, 12, [0, 0])),
      expect: "corrupt",
    },
    {
      name: "reserved-bytes",
      about: "The reserved bytes are not zero; the checksum is right.",
      bytes: withChecksum(withBytes(frame, 14, [1, 0])),
      expect: "corrupt",
    },
    {
      name: "bad-checksum",
      about: "A bit of the checksum is flipped.",
      bytes: withFlippedBit(frame, -1),
      expect: "corrupt",
    },
    {
      name: "bad-payload",
      about: "A bit of the payload is flipped; the checksum is not.",
      bytes: withFlippedBit(frame, frameHeaderBytes + 9),
      expect: "corrupt",
    },
  ];
}

/** What can be wrong with any canonical CBOR map: each as encoded bytes. `fields` is a good one with at least two fields. */
export function spoiledMaps(fields: Readonly<Record<string, CborValue>>): Spoiled[] {
  const good = encodeCbor(fields);
  const [first = "", second = ""] = sortedKeys(fields);
  const rest = Object.fromEntries(Object.entries(fields).filter(([key]) => key !== first && key !== second));
  const item = (key: string): Uint8Array => concatBytes(encodeCbor(key), encodeCbor(fields[key] ?? null));
  const others = encodeCbor(rest).subarray(1);
  const head = good.subarray(0, 1);
  return [
    {
      name: "keys-out-of-order",
      about: "The first two keys are exchanged: no canonical CBOR.",
      bytes: concatBytes(head, item(second), item(first), others),
      expect: "corrupt",
    },
    {
      name: "long-length",
      about: "The length of the first key takes two bytes where one would do: no canonical CBOR.",
      bytes: concatBytes(
        head,
        Uint8Array.of(0x78, first.length),
        Buffer.from(first),
        encodeCbor(fields[first] ?? null),
        item(second),
        others,
      ),
      expect: "corrupt",
    },
    {
      name: "indefinite-map",
      about: "The map is of indefinite length: no canonical CBOR.",
      bytes: concatBytes(Uint8Array.of(0xbf), good.subarray(1), Uint8Array.of(0xff)),
      expect: "corrupt",
    },
    {
      name: "duplicate-key",
      about: "The first key comes twice.",
      bytes: concatBytes(Uint8Array.of((head[0] ?? 0) + 1), item(first), item(first), item(second), others),
      expect: "corrupt",
    },
    {
      name: "unknown-field",
      about: "There is one field more than this version has.",
      bytes: encodeCbor({ ...fields, zzzzzz: 1 }),
      expect: "corrupt",
    },
    {
      name: "missing-field",
      about: `The field "${first}" is missing.`,
      bytes: encodeCbor(without(fields, first)),
      expect: "corrupt",
    },
    { name: "not-a-map", about: "The top of the CBOR is an array.", bytes: encodeCbor([1, 2]), expect: "corrupt" },
    {
      name: "trailing-cbor",
      about: "A second CBOR item follows the map.",
      bytes: concatBytes(good, Uint8Array.of(0)),
      expect: "corrupt",
    },
  ];
}

function sortedKeys(fields: Readonly<Record<string, CborValue>>): string[] {
  return Object.keys(fields).toSorted((left, right) => left.length - right.length || (left < right ? -1 : 1));
}

function without(fields: Readonly<Record<string, CborValue>>, name: string): Record<string, CborValue> {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));
}
