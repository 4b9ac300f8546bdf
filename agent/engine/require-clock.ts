import { type Clock, systemClock } from "#shared/clock.ts";
import { HoldfastError } from "#shared/errors.ts";

/**
 * Makes sure that this machine's clock can date what is written: no stored time is before 1970.
 *
 * @throws {HoldfastError} unavailable: it cannot
 */
export function requireClock(clock: Pick<Clock, "nowMs"> = systemClock): void {
  const nowMs = clock.nowMs();
  if (nowMs >= 0) return;
  const shown = new Date(nowMs).toISOString();
  throw new HoldfastError("unavailable", `Cannot write to a store: this machine's clock says ${shown}, before 1970`, {
    detail: { nowMs },
    hint: "Set this machine's clock.",
  });
}
