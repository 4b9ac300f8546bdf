import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";

/** Bits of a gate: its thread is loading; it must not begin to, for it is being ended. */
const loading = 1;
const ending = 2;

const gateKey = "holdfast.native-code";

/**
 * Says, for one thread, whether it is loading native code. A thread that is ended while it does so takes the whole process along: the
 * addon cannot throw any more, and aborts (koffi: "Error::ThrowAsJavaScriptException napi_throw"). Native code that is loaded does not.
 */
export type NativeCodeGate = Int32Array<SharedArrayBuffer>;

/** Runs `start`, which starts a thread, and returns that thread with its gate. */
export function withGate<Thread>(start: () => Thread): { readonly thread: Thread; readonly gate: NativeCodeGate } {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const own = getEnvironmentData(gateKey);
  setEnvironmentData(gateKey, gate);
  try {
    return { thread: start(), gate };
  } finally {
    setEnvironmentData(gateKey, own);
  }
}

/** Runs `load`, which loads native code. In a thread that is being ended it never returns. */
export function loadNativeCode<Result>(load: () => Result): Result {
  const gate = getEnvironmentData(gateKey);
  // The main thread is ended by nobody else.
  if (!(gate instanceof Int32Array)) return load();
  const before = Atomics.compareExchange(gate, 0, 0, loading);
  // What is loaded within another loading belongs to that.
  if ((before & loading) !== 0) return load();
  if (before === ending) Atomics.wait(gate, 0, ending);
  try {
    return load();
  } finally {
    Atomics.and(gate, 0, ~loading);
    Atomics.notify(gate, 0);
  }
}

/** Keeps the thread of `gate` from beginning to load native code. True when it is not loading, and so may be ended. */
export function closeGate(gate: NativeCodeGate): boolean {
  return (Atomics.or(gate, 0, ending) & loading) === 0;
}

/** As `closeGate`, and stops this thread until the other one is not loading, for `timeoutMs` at most. */
export function closeGateAndWait(gate: NativeCodeGate, timeoutMs: number): void {
  if (!closeGate(gate)) Atomics.wait(gate, 0, loading | ending, timeoutMs);
}
