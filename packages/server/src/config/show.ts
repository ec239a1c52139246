/** The settings that are in force, for people and for programs. Pure. */
import { stringify } from 'yaml';
import { isMapping, mergeLayers, type Layer } from './layers.js';
import { checkLayers } from './load.js';

/** What a value that no source gives comes from. */
const defaultOrigin = 'default';

export interface Setting {
  /** With dots between the levels. */
  readonly key: string;
  readonly value: unknown;
  readonly origin: string;
}

/**
 * Every key with its value and its source, in the order of the schema.
 * @throws ConfigurationError
 */
export function settingsInForce(layers: readonly Layer[]): Setting[] {
  const { settings, originOf } = mergeLayers(layers);
  return leavesOf(checkLayers(layers), settings, []).map(({ path, value }) => {
    // As it was written, not as it was checked: that may be in other units.
    const given = valueAt(settings, path);
    const shown = given ?? value;
    return {
      key: path.join('.'),
      value: path.at(-1) === 'unix_domain_permissions' && typeof shown === 'number' ? octal(shown) : shown,
      origin: given === undefined ? defaultOrigin : (originOf(path) ?? defaultOrigin),
    };
  });
}

/** @param withOrigin also where each comes from, as a comment */
export function showSettings(settings: readonly Setting[], withOrigin: boolean): string {
  const lines = settings.map(({ key, value }) => `${key}: ${stringify(value, { version: '1.1', collectionStyle: 'flow' }).trimEnd()}`);
  const width = Math.min(72, Math.max(...lines.map(({ length }) => length)));
  return settings.map(({ origin }, index) => (withOrigin ? `${(lines[index] ?? '').padEnd(width)}  # ${origin}\n` : `${lines[index] ?? ''}\n`)).join('');
}

function octal(mode: number): string {
  return `0${mode.toString(8)}`;
}

/** @param settings as given: a plain value there is one, whatever the check has made of it */
function leavesOf(value: unknown, settings: unknown, path: readonly string[]): { readonly path: readonly string[]; readonly value: unknown }[] {
  const given = valueAt(settings, path);
  if (!isMapping(value) || Object.keys(value).length === 0 || (given !== undefined && given !== null && !isMapping(given))) return [{ path, value }];
  return Object.entries(value).flatMap(([key, below]) => (below === undefined ? [] : leavesOf(below, settings, [...path, key])));
}

/** Undefined: not given. */
function valueAt(settings: unknown, path: readonly string[]): unknown {
  let at = settings;
  for (const key of path) {
    if (!isMapping(at) || !Object.hasOwn(at, key)) return undefined;
    at = at[key];
  }
  return at;
}
