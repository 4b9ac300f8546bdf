import type { BundleKeys } from "#shared/crypto/bundle.ts";
import type { Signer } from "#shared/crypto/signing.ts";
import type { StoreConfig } from "#shared/format/config.ts";
import type { LogState } from "#shared/log/log-state.ts";
import type { Store } from "#shared/store/store.ts";
import type { Clock } from "#shared/clock.ts";
import type { Random } from "#shared/random.ts";
import type { HoldfastError } from "#shared/errors.ts";
import type { CheckpointedStates } from "./published-states.ts";

/** What a repository is made of. */
export type RepositoryParts = {
  readonly store: Store;
  readonly config: StoreConfig;
  readonly configSha256: Uint8Array;
  readonly keys: BundleKeys;
  readonly log: LogState;
  /** The checkpoint that the log was opened with, if any: it saves reading states one by one. */
  readonly checkpoint?: (CheckpointedStates & { readonly seq?: number }) | undefined;
  /** Is told what of the checkpoint could not be used: that costs requests, and nothing else. */
  readonly onWarning?: ((error: HoldfastError) => void) | undefined;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly random: Random;
};
