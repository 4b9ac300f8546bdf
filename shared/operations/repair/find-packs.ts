import type { PackId } from "#shared/format/ids.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { packKey } from "#shared/store/object-key.ts";
import type { Finding } from "./repair-plan.ts";
import { sentence } from "./sentence.ts";
import type { Survey } from "./survey.ts";

/**
 * What is to be said of packs: those that are missing or damaged, and those that an earlier repair found so and that were read now and are whole.
 *
 * @param concerned - the snapshots that need each pack that must go
 * @returns also the packs that are whole again, by the entry that condemned them
 */
export function findPacks(
  { condemned }: Pick<LogState, "condemned">,
  survey: Survey,
  concerned: ReadonlyMap<PackId, readonly string[]>,
): { readonly findings: readonly Finding[]; readonly returned: ReadonlyMap<PackId, number> } {
  const findings: Finding[] = [];
  const find = (remedy: Finding["remedy"], packId: PackId, message: string, snapshots: readonly string[] = []): void =>
    void findings.push({ remedy, object: packKey(packId), message, snapshots, paths: [] });
  for (const [packId, message] of survey.leavingPacks) {
    const snapshots = concerned.get(packId) ?? [];
    if (snapshots.length === 0 && condemned.has(packId)) continue;
    const what = survey.missingPacks.has(packId)
      ? "It is marked as missing, so that no backup builds on it. If it comes back, another repair gives it back to what needs it."
      : "What of it can be read and has no other copy is stored again, and the pack is condemned.";
    find("mended", packId, `${sentence(message)} ${what}`, snapshots);
  }
  for (const [packId, message] of survey.unreadablePacks) {
    if (survey.leavingPacks.has(packId)) continue;
    find("noted", packId, `No state tells of it, and it cannot be read: ${message}`);
  }
  const returned = new Map<PackId, number>();
  for (const [packId, mark] of survey.markedPacks) {
    const seq = condemned.get(packId)?.seq;
    if (seq === undefined || !survey.provenPacks.has(packId) || survey.leavingPacks.has(packId)) continue;
    returned.set(packId, seq);
    const message = `An earlier repair found it ${mark}, and it is whole now: the snapshots that lost files by it get them back.`;
    find("mended", packId, message);
  }
  return { findings, returned };
}
