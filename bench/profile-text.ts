/* A profile of V8's as lines for people: what of the time each function had itself, for one request. */
import { fileURLToPath } from 'node:url';
import { repository } from './paths.js';

export interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number } }[];
  /** Of each sample, the node on top and the microseconds since the sample before. */
  readonly samples?: readonly number[];
  readonly timeDeltas?: readonly number[];
}

export interface Share { readonly name: string; readonly microseconds: number }

/** Where a function is, below the checkout or in Node. Line numbers of profiles begin with 0. */
function nameOf({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const path = url.startsWith('file:') ? fileURLToPath(url).replace(`${repository}/`, '').replace(/^packages\//, '').replace('/dist/', '/') : url;
  return `${name} ${path}:${lineNumber + 1}`;
}

/** Nothing was to be done, or it was the profiler's own: `dispatch` begins and ends it. */
const notWork: ReadonlySet<string> = new Set(['(idle)', 'dispatch']);

/** Each function's own time, the largest first. */
export function ownTimes({ nodes, samples = [], timeDeltas = [] }: Profile): Share[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  samples.forEach((id, index) => {
    const name = names.get(id) ?? '(unknown)';
    if (!notWork.has(name)) times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  });
  return [...times].map(([name, microseconds]) => ({ name, microseconds })).sort((one, other) => other.microseconds - one.microseconds);
}

/** A Markdown table of the first `count`, for each of so many requests. */
export function shareTable(shares: readonly Share[], requests: number, count: number): string {
  const all = shares.reduce((sum, { microseconds }) => sum + microseconds, 0);
  const lines = shares.slice(0, count).map(({ name, microseconds }) => `| ${name.replaceAll('|', '\\|')} | ${(microseconds / requests).toFixed(1)} | ${(microseconds / all * 100).toFixed(1)} |`);
  return ['| function | µs, itself | % |', '| --- | ---: | ---: |', ...lines].join('\n');
}
