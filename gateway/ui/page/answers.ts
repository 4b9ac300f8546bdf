import type { ApiEntry } from "#gateway/api/api-entry.ts";
import type { ApiSnapshot } from "#gateway/api/api-snapshot.ts";
import type { comparePathsAnswer } from "#gateway/api/compare-paths.ts";
import type { getEntryAnswer } from "#gateway/api/get-entry.ts";
import type { listEntriesAnswer } from "#gateway/api/list-entries.ts";
import type { listErrorsAnswer } from "#gateway/api/list-errors.ts";
import type { listHistoryAnswer } from "#gateway/api/list-history.ts";
import type { listSnapshotsAnswer } from "#gateway/api/list-snapshots.ts";
import type { searchNamesAnswer } from "#gateway/api/search-names.ts";
import type { ApiSession } from "#gateway/api/session-schema.ts";
import type { showUsageAnswer } from "#gateway/api/show-usage.ts";
import type { ValueOf } from "#gateway/api/schema.ts";

/** What the API answers, by question; the types are those of the routes themselves. */
export type SnapshotsAnswer = ValueOf<typeof listSnapshotsAnswer>;
export type EntryAnswer = ValueOf<typeof getEntryAnswer>;
export type EntriesAnswer = ValueOf<typeof listEntriesAnswer>;
export type SearchLine = ValueOf<typeof searchNamesAnswer>;
export type HistoryLine = ValueOf<typeof listHistoryAnswer>;
export type CompareLine = ValueOf<typeof comparePathsAnswer>;
export type ErrorsAnswer = ValueOf<typeof listErrorsAnswer>;
export type UsageAnswer = ValueOf<typeof showUsageAnswer>;
export type { ApiEntry, ApiSession, ApiSnapshot };
