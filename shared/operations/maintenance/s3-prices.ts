/** What a storage class of S3 costs, in US dollars. */
export type S3Price = {
  /** A gigabyte (2^30 bytes) for a month of 30 days. */
  readonly storage: number;
  /** A thousand PUT requests. */
  readonly puts: number;
  /** A thousand GET and HEAD requests. */
  readonly gets: number;
  /** A gigabyte read. */
  readonly retrieval: number;
  /** An object deleted earlier is billed as if it had stayed for so many days. */
  readonly minimumDays: number;
  /** Objects must be restored before they can be read. */
  readonly isArchive: boolean;
};

/** When these prices were noted, and for which region. */
export const s3PricesAsOf = "2026-06, us-east-1";

/** A thousand LIST requests of any class. */
export const s3ListPrice = 0.005;

/**
 * Prices by storage class, first tier, for an estimate. Deletions cost nothing. Traffic out of AWS is not in here, nor are the
 * monitoring fee of INTELLIGENT_TIERING and the 40 KB that archive classes add to each object.
 *
 * The figures come from notes of `s3PricesAsOf` and were not compared with AWS's own list: who decides by them looks up the price of the
 * region at https://aws.amazon.com/s3/pricing/. Those of other regions are up to twice as high.
 */
export const s3Prices: Readonly<Record<string, S3Price>> = {
  STANDARD: { storage: 0.023, puts: 0.005, gets: 0.0004, retrieval: 0, minimumDays: 0, isArchive: false },
  INTELLIGENT_TIERING: { storage: 0.023, puts: 0.005, gets: 0.0004, retrieval: 0, minimumDays: 0, isArchive: false },
  STANDARD_IA: { storage: 0.0125, puts: 0.01, gets: 0.001, retrieval: 0.01, minimumDays: 30, isArchive: false },
  ONEZONE_IA: { storage: 0.01, puts: 0.01, gets: 0.001, retrieval: 0.01, minimumDays: 30, isArchive: false },
  GLACIER_IR: { storage: 0.004, puts: 0.02, gets: 0.01, retrieval: 0.03, minimumDays: 90, isArchive: false },
  GLACIER: { storage: 0.0036, puts: 0.03, gets: 0.0004, retrieval: 0.01, minimumDays: 90, isArchive: true },
  DEEP_ARCHIVE: { storage: 0.00099, puts: 0.05, gets: 0.0004, retrieval: 0.02, minimumDays: 180, isArchive: true },
};
