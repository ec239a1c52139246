// Amounts and times as people read them.

const SIZE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const SPANS = [['day', 86_400], ['hour', 3600], ['minute', 60], ['second', 1]] as const;

/** In the largest unit of which there is one: `1.5MiB`. */
export function sizeText(bytes: bigint | number): string {
  let value = Number(bytes);
  let unit = 0;
  for (; value >= 1024 && unit < SIZE_UNITS.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value >= 100 ? value.toFixed(0) : value.toFixed(1)}${SIZE_UNITS[unit]}`;
}

/** The largest unit alone: `3 minutes`. Nothing is shorter than a second. */
export function spanText(ms: number): string {
  const seconds = Math.max(1, Math.floor(ms / 1000));
  for (const [name, length] of SPANS) {
    const count = Math.floor(seconds / length);
    if (count > 0) return `${count} ${name}${count === 1 ? '' : 's'}`;
  }
  return '1 second';
}

/** Time of processors, as ps and top write it: `0:03.25`, `112:07.00`. */
export function cpuTimeText(ms: bigint | number): string {
  const hundredths = Math.floor(Number(ms) / 10);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${Math.floor(hundredths / 6000)}:${two(Math.floor(hundredths / 100) % 60)}.${two(hundredths % 100)}`;
}

/** Hours and minutes of a time of the last day, in UTC, else its date; `-` for what is none. */
export function startText(ms: bigint | number | undefined, nowMs: number): string {
  const date = new Date(Number(ms ?? NaN));
  if (Number.isNaN(date.getTime())) return '-';
  const text = date.toISOString();
  return nowMs - date.getTime() < 86_400_000 ? text.slice(11, 19) : text.slice(0, 10);
}
