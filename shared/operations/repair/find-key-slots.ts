import { damagedKeySlots } from "#shared/repository/key-slots.ts";
import type { Repository } from "#shared/repository/repository.ts";
import type { Finding } from "./repair-plan.ts";

/** Tells of key slots that are damaged: what they held opens nothing any more, and is not to be had from elsewhere. */
export async function findKeySlots({ store, config, configSha256 }: Repository): Promise<readonly Finding[]> {
  const damaged = await damagedKeySlots({ store, storeId: config.storeId, configSha256 });
  return damaged.map(({ key, message }) => ({ remedy: "lost", object: key, message, snapshots: [], paths: [] }));
}
