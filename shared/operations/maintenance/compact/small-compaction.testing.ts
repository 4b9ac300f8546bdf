import { createSigner } from "#shared/crypto/signing.ts";
import { emptyLogState } from "#shared/log/log-state.ts";
import { readLog } from "#shared/log/read-log.ts";
import { systemRandom } from "#shared/random.ts";
import { readConfig } from "#shared/repository/open-repository.ts";
import type { Appender } from "#shared/log/append-entry.ts";
import type { Store } from "#shared/store/store.ts";
import { impatientClock } from "#shared/operations/small-store.testing.ts";
import { compact, type CompactionReport } from "./compact.ts";
import type { CompactionLimits, CompactionPlan } from "./compaction-plan.ts";
import { planCompaction } from "./plan-compaction.ts";
import { readPackCensus } from "./read-pack-census.ts";

const signer = createSigner(new Uint8Array(32).fill(8));

/** An appender on a store, without any key of it. */
export async function keylessAppender(store: Store): Promise<Appender> {
  const { config } = await readConfig(store);
  const from = await readLog({ store, from: emptyLogState(config.storeId) });
  return { store, signer, clock: impatientClock, random: systemRandom, from };
}

/** Plans a compaction, without any key. */
export async function planSmall(store: Store, limits?: Partial<CompactionLimits>) {
  const appender = await keylessAppender(store);
  const { packBytes } = (await readConfig(store)).config;
  const read = await readPackCensus({ store, log: appender.from });
  const plan = planCompaction(read, { log: appender.from, packBytes, ...(limits === undefined ? {} : { limits }) });
  return { appender, plan, census: read.census };
}

/** Plans and compacts, without any key. */
export async function compactSmall(
  store: Store,
  limits?: Partial<CompactionLimits>,
): Promise<CompactionReport & { readonly plan: CompactionPlan }> {
  const planned = await planSmall(store, limits);
  return { ...(await compact(planned)), plan: planned.plan };
}
