/**
 * Settings that change while the server runs. Every key of the table is read when it is used, so that a new value holds for the next
 * container, job or stop; everything else is part of what a start has made. Pure.
 */
import type { Configuration } from './configuration.js';
import type { Layer } from './layers.js';
import { configurationOf } from './load.js';
import { settingsInForce } from './show.js';

/** A key of the file, or all keys below it, and the field that it becomes. */
const reloadable: readonly (readonly [key: string, field: keyof Configuration])[] = [
  ['server.container_grace_time', 'defaultGraceTimeMs'],
  ['server.container_rootfs_path', 'rootfsPath'],
  ['server.container_rlimits', 'rlimits'],
  ['server.job_output_limit', 'jobOutputLimitInBytes'],
  ['server.create_deadline', 'createDeadlineMs'],
  ['server.stop_deadline', 'stopDeadlineMs'],
  ['server.drain_deadline', 'drainDeadlineMs'],
  ['logging.level', 'logging'],
  ['files', 'files'],
  ['pool', 'pools'],
];

export interface Reloaded {
  /** What is in force from now on. */
  readonly configuration: Configuration;
  /** Keys whose new values are in it. */
  readonly changed: readonly string[];
  /** Keys that have other values now, which only a restart brings into force. */
  readonly needRestart: readonly string[];
}

/**
 * @param started the sources as they were at the start, or at the last reload that was accepted
 * @throws ConfigurationError when the new sources are not right: nothing changes then
 */
export function reloadConfiguration(current: Configuration, started: readonly Layer[], now: readonly Layer[]): Reloaded {
  const next = configurationOf(now);
  const before = new Map(settingsInForce(started).map(({ key, value }) => [key, JSON.stringify(value)]));
  const after = new Map(settingsInForce(now).map(({ key, value }) => [key, JSON.stringify(value)]));
  const different = [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key));
  const fields = reloadable.filter(([, field]) => field !== 'pools' || canHavePools(current));
  const fieldOf = (key: string): keyof Configuration | undefined => fields.find(([name]) => key === name || key.startsWith(`${name}.`))?.[1];
  const changed = different.filter((key) => fieldOf(key) !== undefined);
  const wanted = new Set(changed.map(fieldOf).filter((field) => field !== undefined));
  const configuration = { ...current, ...Object.fromEntries([...wanted].map((field) => [field, next[field]])) };
  // Of logging only the level: the file that is open stays the one it is.
  return {
    configuration: { ...configuration, logging: { ...current.logging, level: wanted.has('logging') ? next.logging.level : current.logging.level } },
    changed,
    needRestart: different.filter((key) => fieldOf(key) === undefined),
  };
}

/** A file that was checked has no pool beside plain processes or hooks, but those that are in force may be an earlier file's. */
function canHavePools({ kind, hooks }: Configuration): boolean {
  return kind !== 'Insecure' && hooks.programs.length === 0;
}
