import { s3Owner } from "./s3-owner.ts";
import type { S3ErrorCode } from "./s3-errors.ts";
import { s3Document } from "./xml.ts";

/** What is answered when a setting is asked for: a document, or the refusal that says that there is none. */
export type Setting = { readonly xml: string } | { readonly code: S3ErrorCode };

const acl: Setting = {
  xml: s3Document(
    "AccessControlPolicy",
    `${s3Owner}<AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>holdfast</ID><DisplayName>holdfast</DisplayName></Grantee><Permission>READ</Permission></Grant></AccessControlList>`,
  ),
};

/** Settings of buckets by the parameter that asks for them: a bucket here has none that could be changed. */
export const bucketSettings: Readonly<Record<string, Setting>> = {
  accelerate: { xml: s3Document("AccelerateConfiguration", "") },
  acl,
  analytics: { code: "NotImplemented" },
  cors: { code: "NoSuchCORSConfiguration" },
  encryption: { code: "ServerSideEncryptionConfigurationNotFoundError" },
  "intelligent-tiering": { code: "NotImplemented" },
  inventory: { code: "NotImplemented" },
  lifecycle: { code: "NoSuchLifecycleConfiguration" },
  location: { xml: s3Document("LocationConstraint", "") },
  logging: { xml: s3Document("BucketLoggingStatus", "") },
  metrics: { code: "NotImplemented" },
  notification: { xml: s3Document("NotificationConfiguration", "") },
  "object-lock": { code: "ObjectLockConfigurationNotFoundError" },
  ownershipControls: { code: "OwnershipControlsNotFoundError" },
  policy: { code: "NoSuchBucketPolicy" },
  policyStatus: { code: "NoSuchBucketPolicy" },
  publicAccessBlock: { code: "NoSuchPublicAccessBlockConfiguration" },
  replication: { code: "ReplicationConfigurationNotFoundError" },
  requestPayment: { xml: s3Document("RequestPaymentConfiguration", "<Payer>BucketOwner</Payer>") },
  session: { code: "NotImplemented" },
  tagging: { code: "NoSuchTagSet" },
  uploads: { xml: s3Document("ListMultipartUploadsResult", "<IsTruncated>false</IsTruncated>") },
  versioning: { xml: s3Document("VersioningConfiguration", "") },
  website: { code: "NoSuchWebsiteConfiguration" },
};

/** The same of objects. */
export const objectSettings: Readonly<Record<string, Setting>> = {
  acl,
  "legal-hold": { code: "NoSuchObjectLockConfiguration" },
  retention: { code: "NoSuchObjectLockConfiguration" },
  tagging: { xml: s3Document("Tagging", "<TagSet></TagSet>") },
  torrent: { code: "NotImplemented" },
  uploadId: { code: "NoSuchUpload" },
};
