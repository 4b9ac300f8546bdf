import { parentPort, workerData } from "node:worker_threads";
import { SessionIndex, type SessionTable } from "./session-index.ts";

/** What a claiming thread is started with. */
export type ClaimerData = {
  readonly tables: readonly SessionTable[];
  /** Ids, 32 bytes each, that every thread claims, each in an order of its own. */
  readonly ids: Uint8Array;
  readonly claimer: number;
  /** Shared: threads wait until it is not 0, so that they claim at the same time. */
  readonly gate: SharedArrayBuffer;
};

/** What came of each id: -1 claimed, -2 no room, else the segment that the other claimer named. */
export type Claims = { readonly answers: Int32Array };

/* A thread that claims ids as fast as it can, while others claim the same ones. */
const { tables, ids, claimer, gate } = workerData as ClaimerData;
const index = new SessionIndex();
for (const table of tables) index.addTable(table);
const count = ids.byteLength / 32;
const answers = new Int32Array(count);
Atomics.wait(new Int32Array(gate), 0, 0);
// A step that shares no factor with the number of ids, other in each thread, visits all of them.
const step = claimer % 2 === 0 ? 1 : count - 1;
for (let nth = 0, at = (claimer * 7919) % count; nth < count; nth++, at = (at + step) % count) {
  answers[at] = index.claim(ids, at * 32, { segment: claimer * 1_000_000 + at, offsetBytes: at, lengthBytes: claimer });
}
const claims: Claims = { answers };
parentPort?.postMessage(claims, [answers.buffer]);
