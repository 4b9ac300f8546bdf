/** What opens a repository. Its content never reaches a message, a log or a command line. */
export type Secret =
  | { readonly form: "passphrase"; readonly passphrase: string; readonly source: string }
  | { readonly form: "keyfile"; readonly content: Uint8Array; readonly path: string };
