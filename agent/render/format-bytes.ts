const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** An amount of bytes for people, in binary units with three digits that count: `812 B`, `1.34 GiB`, `212 MiB`. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let amount = bytes;
  while (amount >= 999.5 && unit < units.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || amount >= 99.95 ? 0 : amount >= 9.995 ? 1 : 2;
  return `${amount.toFixed(digits)} ${units[unit]}`;
}
