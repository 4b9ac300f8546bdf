/**
 * Overwrites secrets that are no longer needed with zeros.
 *
 * It shortens the life of a secret in memory and promises no more: the runtime may have copied the bytes before.
 */
export function wipe(...secrets: readonly (Uint8Array | undefined)[]): void {
  for (const secret of secrets) secret?.fill(0);
}
