import { hostname } from "node:os";
import { expect, test } from "vitest";
import { ofLine, parseSnapshotReference, type SnapshotLine } from "#agent/arguments/snapshot-reference.ts";
import { SmallHost } from "./small-host.testing.ts";

const everything: SnapshotLine = { host: undefined, name: undefined, tags: [] };
const here = hostname();

/** What a reference means, as `host name tags`, and the warnings on the way. */
async function find(host: SmallHost, text: string, given: Partial<SnapshotLine> = {}) {
  const reference = ofLine(parseSnapshotReference(text), { ...everything, ...given });
  let words = "";
  const { notices } = await host.run(async (engine) => {
    const { host: of, name, tags } = await engine.snapshot(reference);
    words = [of === here ? "here" : of, name, ...tags].join(" ");
    return { operation: "check", outcome: "ok", facts: {} };
  });
  return { words, warnings: notices.map(({ message }) => message) };
}

async function found(host: SmallHost, text: string, given: Partial<SnapshotLine> = {}): Promise<string> {
  return (await find(host, text, given)).words;
}

test("latest counts the snapshots of the host, the name and the tags that are asked for", async () => {
  const host = await SmallHost.make();
  await host.backup({ host: "web1", name: "daily", tags: ["a"] });
  await host.backup({ host: "web2", name: "daily", tags: ["a", "b"] });
  await host.backup({ host: "web1", name: "weekly", tags: [] });
  await host.backup({ host: "web1", name: "daily", tags: ["b"] });
  expect(await found(host, "latest", { host: "web2" })).toBe("web2 daily a b");
  expect(await found(host, "latest@web2")).toBe("web2 daily a b");
  expect(await found(host, "latest", { name: "weekly" })).toBe("web1 weekly");
  expect(await found(host, "latest~1", { host: "web1", name: "daily" })).toBe("web1 daily a");
  expect(await found(host, "latest~1@web1", { name: "daily" })).toBe("web1 daily a");
  expect(await found(host, "latest", { tags: ["a", "b"] })).toBe("web2 daily a b");
  await expect(found(host, "latest~2", { host: "web1", name: "daily" })).rejects.toThrow(/2 snapshots .*web1 match/);
  await expect(found(host, "latest@web3")).rejects.toThrow(/0 snapshots .*web3 match/);
  expect(() => ofLine(parseSnapshotReference("3f2ac1"), { ...everything, host: "web1" })).toThrow(/with an id/);
  host.remove();
});

test("latest is of this host where the store has one of it, whatever others added since", async () => {
  const host = await SmallHost.make();
  for (const name of ["first", "second"]) {
    await host.backup({ host: here, name });
    for (let n = 0; n < 10; n++) await host.backup({ host: `web${n}`, name: "theirs" });
  }
  expect(await find(host, "latest")).toEqual({ words: "here second", warnings: [] });
  expect(await find(host, "latest~1")).toEqual({ words: "here first", warnings: [] });
  await expect(found(host, "latest~2")).rejects.toMatchObject({
    kind: "absent",
    hint: expect.stringContaining("latest~2@web9, latest~2@web8") as string,
  });
  await expect(found(host, "latest", { name: "theirs" })).rejects.toMatchObject({ kind: "absent" });
  const [own] = await host.snapshots();
  await host.run(async (engine) => {
    const removed = await engine.remove([parseSnapshotReference("latest~1")], { apply: true });
    expect(removed.map(({ id }) => id)).toEqual([own]);
    return { operation: "rm", outcome: "ok", facts: {} };
  });
  host.remove();
});

test("latest on a machine that has none is that of the only host, with a warning, and refused where there are several", async () => {
  const host = await SmallHost.make();
  await expect(found(host, "latest")).rejects.toMatchObject({ kind: "absent" });
  await host.backup({ host: "web1", name: "old" });
  await host.backup({ host: "web1", name: "new" });
  const alone = await find(host, "latest");
  expect(alone.words).toBe("web1 new");
  expect(alone.warnings).toEqual([expect.stringContaining("web1, the only host")]);
  expect(await found(host, "latest~1")).toBe("web1 old");
  await expect(found(host, "latest~2")).rejects.toMatchObject({ kind: "absent" });

  await host.backup({ host: "web2" });
  const restored = host.restore({ reference: { snapshot: parseSnapshotReference("latest"), path: undefined } });
  await expect(restored).rejects.toMatchObject({
    kind: "invalid",
    hint: "Name the host: latest@web2, latest@web1.",
  });
  await expect(
    host.run((engine) => engine.check({ snapshots: [parseSnapshotReference("latest")], readPercent: 0 })),
  ).rejects.toMatchObject({ kind: "invalid" });
  await expect(host.backup({ parent: parseSnapshotReference("latest") })).rejects.toMatchObject({ kind: "invalid" });
  host.remove();
});

test("what is restored to its place is of this host, or of one that was named", async () => {
  const host = await SmallHost.make();
  await host.backup({ host: "web1" });
  const inPlace = (text: string) =>
    host.run((engine) =>
      engine.restore({
        reference: { snapshot: parseSnapshotReference(text), path: host.source },
        target: undefined,
        overwrite: "never",
        dryRun: true,
        owners: "numbers",
        xattrs: true,
        sparse: false,
      }),
    );
  await expect(inPlace("latest")).rejects.toMatchObject({
    kind: "invalid",
    hint: expect.stringContaining("latest@web1") as string,
  });
  expect((await inPlace("latest@web1")).outcome).toBe("ok");
  host.remove();
});
