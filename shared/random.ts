import { randomFillSync } from "node:crypto";

/** The port to randomness: fills and returns `lengthBytes` unpredictable bytes. */
export type Random = (lengthBytes: number) => Uint8Array<ArrayBuffer>;

/** The system's cryptographic random source. */
export const systemRandom: Random = (lengthBytes) => randomFillSync(new Uint8Array(lengthBytes));
