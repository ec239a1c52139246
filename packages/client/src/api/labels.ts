// Labels as programs have them: an object of names and values.
import type { Label, LabelFilter } from 'warden-protocol';

export type Labels = Readonly<Record<string, string>>;

/** Labels that a box has to have: with that value, or with any where it says true. */
export type LabelsWanted = Readonly<Record<string, string | true>>;

export function wireLabels(labels: Labels | undefined): Label[] {
  return Object.entries(labels ?? {}).map(([key, value]) => ({ key, value }));
}

export function wireFilters(labels: LabelsWanted | undefined): LabelFilter[] {
  return Object.entries(labels ?? {}).map(([key, value]) => (value === true ? { key } : { key, value }));
}

/** Without a prototype: a key may have any name. */
export function labelsOf(labels: readonly Label[]): Labels {
  const found = Object.create(null) as Record<string, string>;
  for (const { key, value } of labels) found[key] = value;
  return found;
}
