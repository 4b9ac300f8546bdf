/** A text as a sentence: with a capital letter, and a full stop unless it ends otherwise. */
export function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
