import type { ChooseLatest } from "#shared/view/store-view.ts";
import type { View } from "#shared/view/view.ts";
import type { Grant } from "./access/grant.ts";

/** What a gateway serves: one view, seen through what a caller may see. */
export type Mount = {
  /** `store`: the directories at the top are snapshots (S3: buckets). `snapshot`: the top is a directory of one snapshot. */
  readonly kind: "store" | "snapshot";
  /** What pages and buckets of a `snapshot` mount call it: 3 to 63 of a-z, 0-9 and "-". */
  readonly name: string;
  /**
   * What somebody with that grant sees; what lies outside it is absent for them. Cheap: a view is made for each request.
   *
   * @param chooseLatest - which snapshots `latest` and its kind mean; left out: the newest ones
   */
  view(grant: Grant, chooseLatest?: ChooseLatest): View;
};
