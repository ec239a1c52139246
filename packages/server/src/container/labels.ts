/** What clients note about their containers: few and short texts, which mean nothing to the server. Pure. */
import { WardenError, type RequestOf, type Type } from 'warden-protocol';

/** In the order in which they were given. */
export type Labels = ReadonlyMap<string, string>;

type LabelFilters = RequestOf<Type.List>['labels'];

export const noLabels: Labels = new Map();

const mostLabels = 64;
const keyLimitInCharacters = 128;
const valueLimitInBytes = 1024;

/** @throws WardenError invalid_argument */
export function checkLabels(labels: RequestOf<Type.Create>['labels']): Labels {
  if (labels.length === 0) return noLabels;
  if (labels.length > mostLabels) throw new WardenError('invalid_argument', `labels: ${labels.length} are too many, the limit is ${mostLabels}`);
  const checked = new Map<string, string>();
  for (const { key, value } of labels) {
    const reason = faultOfKey(key) ?? faultOfValue(value);
    if (reason !== undefined) throw new WardenError('invalid_argument', `labels[${checked.size}]: ${reason}`);
    if (checked.has(key)) throw new WardenError('invalid_argument', `labels[${checked.size}]: the key ${key} is given twice`);
    checked.set(key, value);
  }
  return checked;
}

/** Commands write a label as KEY=VALUE, so no key may have that sign. */
function faultOfKey(key: string): string | undefined {
  if (key === '') return 'a key must not be empty';
  // A character is at most two units; of a text of megabytes nobody wants to count them.
  if (key.length > 2 * keyLimitInCharacters || [...key].length > keyLimitInCharacters) return `a key has more than ${keyLimitInCharacters} characters`;
  if (/[\p{Cc}=]/u.test(key)) return 'a key must have no control characters and no "="';
  return undefined;
}

function faultOfValue(value: string): string | undefined {
  const size = Buffer.byteLength(value);
  if (size > valueLimitInBytes) return `a value of ${size} bytes is too long, the limit is ${valueLimitInBytes}`;
  if (/[^\P{Cc}\t\n]/u.test(value)) return 'a value must have no control characters but tabs and newlines';
  return undefined;
}

/** Whether a container with these labels is among those that are asked for. */
export function hasLabels(labels: Labels, wanted: LabelFilters): boolean {
  return wanted.every(({ key, value }) => (value === undefined ? labels.has(key) : labels.get(key) === value));
}

export function labelsOf(labels: Labels): { key: string; value: string }[] {
  return Array.from(labels, ([key, value]) => ({ key, value }));
}

/** @throws WardenError invalid_argument when there are more filters than a container can have labels */
export function checkLabelFilters(wanted: LabelFilters): LabelFilters {
  if (wanted.length > mostLabels) throw new WardenError('invalid_argument', `labels: ${wanted.length} are too many, the limit is ${mostLabels}`);
  return wanted;
}
