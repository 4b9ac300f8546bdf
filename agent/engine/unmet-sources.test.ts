import { expect, it } from "vitest";
import { openSmall, snapshotIds, storeOfBackups } from "#shared/operations/small-store.testing.ts";
import { plain } from "./named-source.ts";
import { unmetSources } from "./unmet-sources.ts";

it("unmetSources names those that the snapshot does not show, and no others", async () => {
  const repository = await openSmall(await storeOfBackups([{ path: "a/b" }, { path: "c" }]));
  const [id = ""] = snapshotIds(repository);
  const asked = ["/scripted/a/b", "/scripted/a", "/scripted/gone", "/scripted/a/gone", "/scripted/c"].map(plain);
  expect(await unmetSources(repository, id, asked)).toEqual([plain("/scripted/gone"), plain("/scripted/a/gone")]);
  expect(await unmetSources(repository, "unknown", asked)).toEqual(asked);
});
