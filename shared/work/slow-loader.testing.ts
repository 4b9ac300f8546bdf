import { workerData } from "node:worker_threads";
import { loadNativeCode } from "./native-code.ts";

/** A thread that loads "native code" for 200 ms, again and again, and counts beginnings and ends. */
const [begun, ended] = [0, 1];
const counts = new Int32Array(workerData as SharedArrayBuffer);
for (;;) {
  loadNativeCode(() =>
    // What is within another loading belongs to that.
    loadNativeCode(() => {
      Atomics.add(counts, begun, 1);
      Atomics.notify(counts, begun);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
      Atomics.add(counts, ended, 1);
    }),
  );
}
