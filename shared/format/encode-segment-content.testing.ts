import { frameSegmentContent, segmentContentBytes, segmentHeaderBytes } from "./segment.ts";

/** Header, encoded plaintext and zero padding: the content that is then sealed. */
export function encodeSegmentContent(codec: number, plainBytes: number, stored: Uint8Array): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(segmentContentBytes(stored.byteLength));
  content.set(stored, segmentHeaderBytes);
  return frameSegmentContent(content, { codec, plainBytes, storedBytes: stored.byteLength });
}
