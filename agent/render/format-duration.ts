/** A duration for people: `0.4 s`, `12 s`, `3:07`, `2:03:07`, `4 d 03:07`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 9950) return `${(durationMs / 1000).toFixed(1)} s`;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60) % 60;
  const hours = Math.floor(seconds / 3600) % 24;
  const days = Math.floor(seconds / 86_400);
  if (days > 0) return `${days} d ${pair(hours)}:${pair(minutes)}`;
  return hours > 0 ? `${hours}:${pair(minutes)}:${pair(seconds % 60)}` : `${minutes}:${pair(seconds % 60)}`;
}

function pair(value: number): string {
  return String(value).padStart(2, "0");
}
