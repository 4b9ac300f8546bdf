import { expect, test } from "vitest";
import { ofLine, parseSnapshotReference, type SnapshotLine } from "#agent/arguments/snapshot-reference.ts";
import { SmallHost } from "./small-host.testing.ts";

const everything: SnapshotLine = { host: undefined, name: undefined, tags: [] };

test("latest counts the snapshots of the host, the name and the tags that are asked for", async () => {
  const host = await SmallHost.make();
  await host.backup({ host: "web1", name: "daily", tags: ["a"] });
  await host.backup({ host: "web2", name: "daily", tags: ["a", "b"] });
  await host.backup({ host: "web1", name: "weekly", tags: [] });
  await host.backup({ host: "web1", name: "daily", tags: ["b"] });
  const found = async (text: string, given: Partial<SnapshotLine>): Promise<string> => {
    const reference = ofLine(parseSnapshotReference(text), { ...everything, ...given });
    let words = "";
    await host.run(async (engine) => {
      const { host: of, name, tags } = await engine.snapshot(reference);
      words = `${of} ${name} ${tags.join(",")}`;
      return { operation: "check", outcome: "ok", facts: {} };
    });
    return words;
  };
  expect(await found("latest", {})).toBe("web1 daily b");
  expect(await found("latest", { host: "web2" })).toBe("web2 daily a,b");
  expect(await found("latest", { name: "weekly" })).toBe("web1 weekly ");
  expect(await found("latest~1", { host: "web1", name: "daily" })).toBe("web1 daily a");
  expect(await found("latest", { tags: ["a", "b"] })).toBe("web2 daily a,b");
  await expect(found("latest~2", { host: "web1", name: "daily" })).rejects.toThrow(/2 snapshots match/);
  await expect(found("latest", { host: "web3" })).rejects.toThrow(/0 snapshots match/);
  expect(() => ofLine(parseSnapshotReference("3f2ac1"), { ...everything, host: "web1" })).toThrow(/with an id/);
});
