/** Calls `tick` every `intervalMs` milliseconds until the returned function is called. Never keeps the process alive. */
export type Ticker = (intervalMs: number, tick: () => void) => () => void;

/** The system's timer. */
export const systemTicker: Ticker = (intervalMs, tick) => {
  const timer = setInterval(tick, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
};
