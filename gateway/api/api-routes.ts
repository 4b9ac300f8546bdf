import type { ApiRoute } from "./api-route.ts";
import { comparePaths } from "./compare-paths.ts";
import { getEntry } from "./get-entry.ts";
import { listEntries } from "./list-entries.ts";
import { listErrors } from "./list-errors.ts";
import { listHistory } from "./list-history.ts";
import { listSnapshots } from "./list-snapshots.ts";
import { searchNames } from "./search-names.ts";
import { showUsage } from "./show-usage.ts";

/** The questions that the API answers to who may see the mount. */
export const apiRoutes: readonly ApiRoute[] = [
  listSnapshots,
  getEntry,
  listEntries,
  searchNames,
  listHistory,
  comparePaths,
  listErrors,
  showUsage,
];
