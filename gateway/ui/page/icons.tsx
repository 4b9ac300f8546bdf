const shapes: Readonly<Record<string, string>> = {
  directory:
    "M3 6.5a1.5 1.5 0 0 1 1.5-1.5h3.6l1.9 2h5.5A1.5 1.5 0 0 1 17 8.500v6A1.5 1.500 0 0 1 15.500 16h-11A1.500 1.500 0 0 1 3 14.500z",
  file: "M5.500 3h6L15 6.500V16a1 1 0 0 1-1 1H5.500a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11.500 3v3.500H15",
  symlink:
    "M8.500 11.500l3-3M9.500 6.500l1.800-1.800a2.800 2.800 0 0 1 4 4L13.500 10.500M10.500 13.500l-1.800 1.800a2.800 2.800 0 0 1-4-4L6.500 9.500",
  other: "M10 4.500v.01M5 10h.01M15 10h.01M10 15.500v.01M10 10h.01",
  up: "M10 15V5M5.500 9.500L10 5l4.500 4.500",
  down: "M10 4v9M6 9.500l4 4 4-4M4 16.500h12",
  search: "M9 14.500a5.500 5.500 0 1 0 0-11 5.500 5.500 0 0 0 0 11zM13 13l4 4",
  history: "M10 5.500V10l3 2M3.500 10a6.500 6.500 0 1 0 2-4.700L3.500 7M3.500 3.500V7H7",
  compare: "M7 3v14M13 3v14M4.500 7L7 9.500M15.500 13L13 10.500",
  warning: "M10 4l7 12H3zM10 8.500v3.500M10 14.200v.01",
  sun: "M10 6.500a3.500 3.500 0 1 1 0 7 3.500 3.500 0 0 1 0-7zM10 2v1.500M10 16.500V18M2 10h1.500M16.500 10H18M4.300 4.300l1.100 1.100M14.600 14.600l1.100 1.100M4.300 15.700l1.100-1.100M14.600 5.400l1.100-1.100",
  moon: "M16 11.500A6.500 6.500 0 0 1 8.500 4a6.500 6.500 0 1 0 7.500 7.500z",
  half: "M10 3.500a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13zM10 3.500v13",
  mark: "M10 3v14M5 7.200h10M5 17c0-4.300 2-6.500 5-6.500s5 2.200 5 6.500",
};

/** A small drawing beside a word. Says nothing to screen readers: the word does. */
export function Icon({ name }: { readonly name: string }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={shapes[name] ?? shapes["other"] ?? ""} />
    </svg>
  );
}
