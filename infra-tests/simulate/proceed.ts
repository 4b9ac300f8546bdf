import type { Actor } from "./actor.ts";
import type { World } from "./world.ts";

/** Lets somebody live once, to the end. @returns whether all was done */
export async function finish(world: World, actor: Actor): Promise<boolean> {
  let ending: string | undefined;
  void actor.live().then((each) => (ending = each));
  await proceed(world, () => ending !== undefined, actor.name, world.steps + 20_000);
  return ending === "done";
}

/** Lets things happen until something is done, or a promise is broken. */
export async function proceed(
  world: World,
  isDone: () => boolean,
  what: string,
  stepsMax = Number.POSITIVE_INFINITY,
): Promise<void> {
  const wentOn = await world.loop.run(() => isDone() || world.violation !== undefined || world.steps > stepsMax);
  if (!wentOn) world.violate(`${what} never ends: all wait for ever`);
  else if (!isDone()) world.violate(`${what} goes on for ever`);
}
