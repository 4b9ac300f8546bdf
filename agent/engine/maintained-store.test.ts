import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import { removeSnapshots } from "#shared/log/remove-snapshots.ts";
import { interposedStore } from "#shared/operations/interposed-store.testing.ts";
import {
  condemnUnneeded,
  condemnWrongly,
  maintainAll,
  relocatePacks,
  sweepCondemned,
} from "#shared/operations/small-maintainer.testing.ts";
import { openSmall } from "#shared/operations/small-store.testing.ts";
import { stateKey } from "#shared/store/object-key.ts";
import { parseId } from "#shared/format/ids.ts";
import { noise, SmallHost, treeLines } from "./small-host.testing.ts";

const hosts: SmallHost[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.remove();
});

/** A host with one snapshot of small files and of one that is restored in parts. */
async function newHost(): Promise<SmallHost> {
  const host = await SmallHost.make();
  hosts.push(host);
  mkdirSync(join(host.source, "d"));
  for (let number = 0; number < 12; number++)
    writeFileSync(join(host.source, "d", `${number}`), noise(`${number}`, 9000));
  writeFileSync(join(host.source, "large"), noise("large", 150_000));
  await host.backup();
  return host;
}

async function expectWhole(host: SmallHost, restored: Awaited<ReturnType<SmallHost["restore"]>>): Promise<void> {
  expect(restored.errors).toEqual([]);
  expect(restored.outcome).toBe("ok");
  expect(treeLines(restored.target)).toEqual(treeLines(host.source));
}

const remove = (host: SmallHost, prefix: string, apply = true) =>
  host.run(async (engine) => {
    const removed = await engine.remove([{ by: "prefix", prefix }], { apply });
    return { operation: "rm", outcome: "ok", facts: { id: removed[0]?.id ?? "" } };
  });
const undelete = (host: SmallHost, prefix: string) =>
  host.run(async (engine) => {
    await engine.undelete([{ by: "prefix", prefix }]);
    return { operation: "undelete", outcome: "ok", facts: {} };
  });

describe("a restore beside a maintainer", () => {
  it("is whole though everything is moved, swept and deleted before any of its calls", async () => {
    const host = await newHost();
    let calls = 0;
    const counting = interposedStore(host.store, async ({ number }) => void (calls = number));
    await expectWhole(host, await host.restore({}, { store: counting }));
    for (let n = 1; n <= calls; n++) {
      // Each maintenance leaves a store in which everything is where the next one moves it from.
      const store = interposedStore(host.store, async ({ number }) => {
        if (number === n) await maintainAll(host.store);
      });
      await expectWhole(host, await host.restore({}, { store }));
    }
    expect(calls).toBeGreaterThan(5);
    expect((await host.check()).outcome).toBe("ok");
  });

  it("is whole though everything moves four times while it runs", async () => {
    const host = await newHost();
    let gets = 0;
    const store = interposedStore(host.store, async ({ verb, key }) => {
      if (verb !== "get" || !key.startsWith("packs/")) return;
      gets++;
      if (gets % 3 === 0 && gets <= 12) await maintainAll(host.store);
    });
    await expectWhole(host, await host.restore({}, { store }));
    expect(gets).toBeGreaterThan(12);
  });

  it("of a snapshot that is removed and swept meanwhile tells what is gone, and calls nothing damaged", async () => {
    const host = await newHost();
    const outcomes: string[] = [];
    let reads = 0;
    for (const removesAt of [() => 0, () => reads, () => 1]) {
      const n = removesAt();
      reads = 0;
      const store = interposedStore(host.store, async ({ verb, key }) => {
        if (verb !== "get" || !key.startsWith("packs/") || ++reads !== n) return;
        const { signer, clock, random, log } = await openSmall(host.store);
        const live = [...log.snapshots.values()].filter((each) => each.removed === undefined);
        await removeSnapshots(
          { store: host.store, signer, clock, random, from: log },
          live.map((each) => each.stateId),
        );
        await condemnUnneeded(host.store);
        await sweepCondemned(host.store);
      });
      const outcome = await host.restore({}, { store }).then(
        (restored) => {
          for (const error of restored.errors) expect(error, `at read ${n}`).toMatchObject({ kind: "absent" });
          return restored.outcome;
        },
        (error: unknown) => {
          if (!isHoldfastError(error, "absent")) expect.fail(`at read ${n}: ${String(error)}`);
          return "absent";
        },
      );
      outcomes.push(outcome);
      await host.backup();
    }
    expect(outcomes).toEqual(["ok", "partial", "absent"]);
  });

  it("reads condemned packs, warns once and counts them; check tells of them", async () => {
    const host = await newHost();
    const repository = await openSmall(host.store);
    await repository.loadHeads();
    const packs = repository.segments.packs.map((pack) => pack.packId);
    await condemnWrongly(host.store, packs);
    const restored = await host.restore();
    await expectWhole(host, restored);
    expect(restored.facts["condemnedPacks"]).toBeGreaterThan(1);
    expect(restored.notices.filter((notice) => notice.message.includes("holdfast maintenance"))).toHaveLength(1);
    const checked = await host.check();
    expect(checked.outcome).toBe("partial");
    expect(checked.facts["condemnedPacks"]).toHaveLength(packs.length);
    // The next backup needs none of them: it stores everything again.
    const again = await host.backup();
    expect(again.outcome).toBe("ok");
    expect(again.facts["newBytes"]).toBeGreaterThan(200_000);
  });
});

describe("a snapshot that was removed", () => {
  it("comes back whole at every step before the sweep, and after it undelete says what is gone", async () => {
    const host = await newHost();
    const [id = ""] = await host.snapshots();
    await remove(host, id);
    await undelete(host, id);
    await expectWhole(host, await host.restore());
    await remove(host, id);
    await condemnUnneeded(host.store);
    await undelete(host, id);
    await expectWhole(host, await host.restore());
    expect((await host.check()).outcome).toBe("ok");
    await relocatePacks(host.store);
    await remove(host, id);
    await condemnUnneeded(host.store);
    await undelete(host, id);
    await expectWhole(host, await host.restore());
    await remove(host, id);
    await condemnUnneeded(host.store);
    await sweepCondemned(host.store, { states: false });
    await expect(undelete(host, id)).rejects.toMatchObject({
      kind: "absent",
      message: expect.stringMatching(/: (\d+) of the \1 packs that it needs were swept$/) as string,
    });
    await sweepCondemned(host.store);
    await expect(undelete(host, id)).rejects.toMatchObject({
      kind: "absent",
      message: expect.stringMatching(/it was swept in log entry \d+$/) as string,
    });
    expect(await host.keys("packs/")).toEqual([]);
    expect(await host.keys("states/")).toEqual([]);
    expect((await host.check()).outcome).toBe("ok");
  });

  it("may be one whose state is gone", async () => {
    const host = await newHost();
    await host.backup({ name: "other" });
    const [id = ""] = await host.snapshots();
    await host.store.delete(stateKey(parseId("state", id)));
    const shown = await remove(host, id, false);
    expect(shown.notices).toHaveLength(1);
    await remove(host, id);
    expect(await host.snapshots()).toHaveLength(1);
  });
});
