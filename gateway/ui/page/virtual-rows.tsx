import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** Pixels that a browser lets an element be high, with room to spare. */
const heightMax = 8_000_000;
/** Rows that are made beyond what shows, on either side. */
const extraRows = 10;

/** What a windowed list is made of. */
export type VirtualRowsProps = {
  readonly count: number;
  readonly rowHeight: number;
  /** A row; it stands where `VirtualRows` puts it. */
  readonly row: (index: number) => ComponentChildren;
  /** Told of the rows that show, so that their data can be got. */
  readonly onWindow: (first: number, end: number) => void;
  /** A row that is to be in sight when it changes. */
  readonly sight?: number | undefined;
  /** Pixels that it is scrolled by in the beginning. */
  readonly startAt?: number | undefined;
  /** Whether it takes the keys when it comes. */
  readonly takesFocus?: boolean;
  /** Told how far it is scrolled. */
  readonly onScroll?: (scrollTop: number) => void;
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly onKeyDown?: (event: KeyboardEvent, rowsInSight: number) => void;
};

/**
 * A list of which only what shows is made, however long it is: browsers limit how high an element may be, so of very long lists a scrolled pixel
 * stands for several.
 */
export function VirtualRows(props: VirtualRowsProps) {
  const { count, rowHeight, row, onWindow, sight, attributes = {}, onKeyDown } = props;
  const place = useRef<HTMLDivElement>(null);
  const [{ top, height }, setView] = useState({ top: 0, height: 600 });
  const realHeight = count * rowHeight;
  const shownHeight = Math.min(realHeight, heightMax);
  const scale = shownHeight <= height ? 1 : (realHeight - height) / (shownHeight - height);
  const realTop = Math.min(top * scale, Math.max(0, realHeight - height));
  const first = Math.max(0, Math.floor(realTop / rowHeight) - extraRows);
  const end = Math.min(count, Math.ceil((realTop + height) / rowHeight) + extraRows);

  useLayoutEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    if (props.startAt !== undefined) element.scrollTop = props.startAt;
    if (props.takesFocus === true) element.focus({ preventScroll: true });
    const measure = (): void => {
      setView({ top: element.scrollTop, height: element.clientHeight });
      props.onScroll?.(element.scrollTop);
    };
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    element.addEventListener("scroll", measure, { passive: true });
    return () => {
      watch.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, []);
  useEffect(() => onWindow(first, end), [first, end, count]);
  useLayoutEffect(() => {
    const element = place.current;
    if (element === null || sight === undefined) return;
    const rowTop = sight * rowHeight;
    const now = Math.min(element.scrollTop * scale, Math.max(0, realHeight - height));
    if (rowTop < now) element.scrollTop = rowTop / scale;
    else if (rowTop + rowHeight > now + height) element.scrollTop = Math.ceil((rowTop + rowHeight - height) / scale);
  }, [sight, rowHeight]);

  const rows: ComponentChildren[] = [];
  for (let index = first; index < end; index++) {
    rows.push(
      <div
        key={index}
        class="virtual-row"
        style={{ top: `${top + index * rowHeight - realTop}px`, height: `${rowHeight}px` }}
      >
        {row(index)}
      </div>,
    );
  }
  return (
    <div
      ref={place}
      class="virtual"
      tabIndex={0}
      onKeyDown={(event) => onKeyDown?.(event, Math.max(1, Math.floor(height / rowHeight) - 1))}
      {...attributes}
    >
      <div class="virtual-height" style={{ height: `${shownHeight}px` }}>
        {rows}
      </div>
    </div>
  );
}
