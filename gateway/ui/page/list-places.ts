/** Where somebody was in the list of a directory. */
export type ListPlace = {
  /** The row that was marked. */
  readonly marked: number | undefined;
  readonly scrollTop: number;
};

/** Directories that are remembered at most. */
const placesMax = 200;
const places = new Map<string, ListPlace>();
let isFocusWanted = false;

/** Remembers a place, for who comes back to the directory. */
export function rememberPlace(directory: string, place: ListPlace): void {
  places.delete(directory);
  places.set(directory, place);
  const [oldest] = places.keys();
  if (places.size > placesMax && oldest !== undefined) places.delete(oldest);
}

export function recallPlace(directory: string): ListPlace | undefined {
  return places.get(directory);
}

/** The next list takes the keys: it was come to from another list. */
export function wantFocus(): void {
  isFocusWanted = true;
}

/** Whether this list takes the keys. */
export function takeFocus(): boolean {
  const was = isFocusWanted;
  isFocusWanted = false;
  return was;
}

// Who goes back or forth by the browser is led to the list as well.
if (typeof addEventListener === "function") addEventListener("popstate", wantFocus);
