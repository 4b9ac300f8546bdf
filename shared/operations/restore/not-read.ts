/** Why an entry is not restored that its snapshot could not read. @param reason - what the snapshot says */
export function notRead(reason: string): string {
  return `It was not read when the snapshot was made: ${reason}`;
}
