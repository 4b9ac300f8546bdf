import { Maintainer } from "./maintainer.ts";
import { beginningMs, type World } from "./world.ts";

/**
 * Somebody who maintains a store in the calm, with a clock that is right: by that what liars condemned must go at last. Only where both the store's clock
 * and others lie nobody can tell, and it takes a clock that is later than any other.
 */
export function lastMaintainer(world: World): Maintainer {
  const { liars, storeClock, tellsTimes } = world.weather;
  const maintainer = new Maintainer(world, "last maintainer");
  maintainer.isThorough = true;
  const canTell = liars === 0 || !tellsTimes || storeClock === "untold" || storeClock === 0;
  maintainer.clockMs = { offset: canTell ? beginningMs : Date.UTC(2500, 0, 1), rate: 1 };
  return maintainer;
}
