/**
 * Gives the memory of bytes back at once, without waiting for the collector: every view of their ArrayBuffer is empty from then on.
 *
 * Buffers of megabytes outside its heap make the collector run over all of that heap every few dozen of them; who knows that
 * nothing uses them any more spares it that.
 */
export function releaseBytes(bytes: ArrayBufferView<ArrayBuffer>): void {
  bytes.buffer.transfer(0);
}
