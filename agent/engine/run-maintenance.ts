import type { MaintenanceRequest } from "#agent/commands/engine.ts";
import { systemClock } from "#shared/clock.ts";
import type { Appender } from "#shared/log/append-entry.ts";
import { logMark, type LogState } from "#shared/log/log-state.ts";
import { maintenance } from "#shared/operations/maintenance/maintenance.ts";
import { reportOfMaintenance } from "#shared/operations/maintenance/report-of-maintenance.ts";
import { s3Prices } from "#shared/operations/maintenance/s3-prices.ts";
import { setGracePeriod } from "#shared/operations/maintenance/set-grace-period.ts";
import type { Report } from "#shared/operations/progress.ts";
import { systemRandom } from "#shared/random.ts";
import { reserveUsingStore } from "#shared/store/reserve-using-store.ts";
import type { EngineParts } from "./engine-parts.ts";
import { openKeyless } from "./session.ts";

/** Maintains a store, without asking for a secret. */
export async function runMaintenance(parts: EngineParts, request: MaintenanceRequest): Promise<Report> {
  const { reporter, signal } = parts;
  const { store, read, log, signer, remember } = await openKeyless(parts, request.dryRun ? "read" : "write");
  const { config } = read;
  const appender = (from: LogState): Appender => ({
    store: reserveUsingStore(store),
    signer,
    clock: systemClock,
    random: systemRandom,
    from,
    atLeast: logMark(from),
    signal,
  });
  let from = log;
  if (request.setGraceMs !== undefined) {
    if (request.dryRun) {
      from = { ...log, graceMs: request.setGraceMs }; // what the plan goes by
      reporter.notice({ level: "warning", message: "The grace period stays as it is: this is a dry run" });
    } else {
      from = (await setGracePeriod(appender(from), request.setGraceMs, config.graceMs)).state;
      remember(from);
    }
  }
  const price = parts.storageClass === undefined ? undefined : s3Prices[parts.storageClass];
  if (price !== undefined && price.minimumDays > 0) {
    const later = request.compact && price.isArchive ? ", and packs of an archive class are not compacted" : "";
    reporter.notice({
      level: "info",
      message: `Packs of class ${parts.storageClass} are billed for ${price.minimumDays} days at least, also when they are deleted earlier${later}`,
    });
  }
  const done = await maintenance({
    appender: appender(from),
    config,
    dryRun: request.dryRun,
    force: request.force,
    acceptsLog: parts.acceptRollback,
    acceptsClock: request.acceptClock,
    compact: request.compact && price?.isArchive !== true,
    ...(request.orphanAgeMs === undefined ? {} : { orphanAgeMs: request.orphanAgeMs }),
    ...(request.limitPercent === undefined ? {} : { limitShare: request.limitPercent / 100 }),
    ...(parts.storageClass === undefined ? {} : { storageClass: parts.storageClass }),
    reporter,
  });
  remember(done.state);
  return reportOfMaintenance(done);
}
