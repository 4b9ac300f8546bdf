import { describe, expect, it } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import { removeSnapshots } from "#shared/log/remove-snapshots.ts";
import { undeleteSnapshots } from "#shared/log/undelete-snapshots.ts";
import { scriptedSource } from "#shared/operations/backup/scripted-source.testing.ts";
import { backupSmall, createSmall, openSmall } from "#shared/operations/small-store.testing.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { checkpointsPrefix } from "#shared/store/object-key.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import type { Store } from "#shared/store/store.ts";
import { keepCheckpoint } from "./keep-checkpoint.ts";

/** A repository whose log has this many entries, one snapshot among them, and what it is told. */
async function repositoryWith(entries: number, wrap: (store: Store) => Store = (store) => store) {
  const store = memoryStore();
  await createSmall(store);
  await backupSmall(store, [scriptedSource({ entries: [{ path: "f", content: "one" }] })]);
  const repository = await openSmall(wrap(store));
  const { signer, clock, random } = repository;
  const [stateId] = repository.log.snapshots.keys();
  if (stateId === undefined) return expect.fail("no snapshot");
  while (repository.log.seq < entries) {
    const appender = { store, signer, clock, random, from: repository.log };
    const change = repository.log.seq % 2 === 1 ? removeSnapshots : undeleteSnapshots;
    repository.log = (await change(appender, [stateId])).state;
  }
  const notices: { level: string; message: string }[] = [];
  const keep = (of: Repository = repository) =>
    keepCheckpoint(of, {
      reporter: { notice: (notice) => void notices.push(notice) },
      signal: new AbortController().signal,
    });
  const checkpoints = async () => {
    let count = 0;
    for await (const { key } of store.list(checkpointsPrefix)) count += key === "" ? 0 : 1;
    return count;
  };
  return { repository, keep, notices, checkpoints };
}

describe("keepCheckpoint", () => {
  it("writes one when more than 64 entries lie after the newest, and not before", async () => {
    const early = await repositoryWith(64);
    await early.keep();
    expect(await early.checkpoints()).toBe(0);
    const due = await repositoryWith(65);
    await due.keep();
    expect(await due.checkpoints()).toBe(2);
    expect(due.repository.log).toMatchObject({ seq: 66, checkpoint: { seq: 65 } });
    await due.keep();
    expect(due.repository.log.seq).toBe(66);
    expect(due.notices).toEqual([]);
  });

  it.each(["denied", "unavailable"] as const)("fails nothing where the store answers %s, and tells", async (kind) => {
    const { repository, keep, notices } = await repositoryWith(65, (store) => ({
      ...store,
      put: () => Promise.reject(new HoldfastError(kind, "Cannot put")),
    }));
    await keep();
    expect(repository.log.seq).toBe(65);
    expect(notices).toEqual([
      { level: kind === "denied" ? "info" : "warning", message: "No checkpoint was written: Cannot put" },
    ]);
  });
});
