import { writeFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import type { MaintenanceRequest } from "#agent/commands/engine.ts";
import { systemClock } from "#shared/clock.ts";
import { systemRandom } from "#shared/random.ts";
import { createRepository } from "#shared/repository/create-repository.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { SmallHost } from "./small-host.testing.ts";

const request: MaintenanceRequest = {
  dryRun: false,
  force: false,
  acceptClock: false,
  limitPercent: undefined,
  orphanAgeMs: undefined,
  setGraceMs: undefined,
  compact: true,
};

let host: SmallHost | undefined;
afterEach(() => host?.remove());

test("a sealed store is maintained without its passphrase, which nothing else is", async () => {
  const store = memoryStore();
  await createRepository({ store, passphrase: "correct", random: systemRandom, clock: systemClock });
  host = await SmallHost.make();
  const { outcome, facts } = await host.run((engine) => engine.maintenance({ ...request, setGraceMs: 60_000 }), {
    store,
  });
  expect([outcome, facts["graceMs"], facts["condemnedPacks"]]).toEqual(["ok", 60_000, 0]);
  const dry = { ...request, dryRun: true };
  const planned = await host.run((engine) => engine.maintenance({ ...dry, setGraceMs: 90_000 }), { store });
  expect(planned.facts["graceMs"]).toBe(90_000);
  const stays = await host.run((engine) => engine.maintenance(dry), { store });
  expect(stays.facts["graceMs"]).toBe(60_000);
  await expect(host.run((engine) => engine.check({ snapshots: [], readPercent: 0 }), { store })).rejects.toMatchObject({
    kind: "denied",
  });
});

test("what a removed snapshot leaves is condemned, then swept, and a dry run says the same before", async () => {
  host = await SmallHost.make({ settings: { segmentBytes: 4096, packBytes: 65_536, graceMs: 0 } });
  writeFileSync(host.path("source", "kept"), systemRandom(90_000));
  await host.backup();
  writeFileSync(host.path("source", "gone"), systemRandom(20_000));
  await host.backup();
  await host.run(async (engine) => {
    await engine.remove([{ by: "age", back: 0 }], { apply: true });
    return { operation: "rm", outcome: "ok", facts: {} };
  });
  const maintain = (given: Partial<MaintenanceRequest> = {}) =>
    (host ?? expect.fail()).run((engine) => engine.maintenance({ ...request, compact: false, ...given }));
  const dry = await maintain({ dryRun: true });
  const first = await maintain();
  expect(dry.facts["condemnedBytes"]).toBeGreaterThan(20_000);
  for (const fact of ["condemnedPacks", "condemnedBytes", "sweptPacks", "neededBytes"])
    expect(first.facts[fact], fact).toBe(dry.facts[fact]);
  const second = await maintain();
  expect(second.facts["sweptPacks"]).toBe(first.facts["condemnedPacks"]);
  expect(second.facts["freedBytes"]).toBeGreaterThanOrEqual(Number(first.facts["condemnedBytes"]));
  expect((await host.restore()).outcome).toBe("ok");
});
