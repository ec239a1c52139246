/** Where syslog listens on this machine, and the time its lines are in. */
import { existsSync, lstatSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import type { Syslog } from '../host.js';

/** Lengths that the monitor takes. */
const zoneLimit = 64;
const nameLimitInBytes = 80;
const utc = 'UTC0';

export class LinuxSyslog implements Syslog {
  #remembered: { readonly identity: string; readonly path: string } | undefined;

  constructor(
    private readonly path: string,
    private readonly zones = { local: '/etc/localtime', folder: '/usr/share/zoneinfo', tz: process.env['TZ'] },
  ) {}

  /**
   * Monitors find the socket by its name in its directory, and nothing else of the host: with systemd /dev/log is a symbolic link into /run.
   * Asked for at every create: another syslog may have taken the place of the first. Resolved when what stands at the path is another than before,
   * because that takes a hundred microseconds where there is none.
   */
  socketPath(): string {
    const identity = identityOf(this.path);
    if (this.#remembered?.identity === identity) return this.#remembered.path;
    const target = resolved(this.path);
    const path = Buffer.byteLength(basename(target)) <= nameLimitInBytes ? target : this.path;
    this.#remembered = { identity, path };
    return path;
  }

  /** Containers that are made now could never send a line. */
  lacksDirectory(): boolean {
    return !existsSync(dirname(this.socketPath()));
  }

  /** Read for every job with a log_tag: the machine may have been moved to another zone. */
  timeZone(): string {
    const { local, folder, tz } = this.zones;
    const name = tz?.replace(/^:/, '') ?? '';
    if (name === '') return zoneOfFile(local) ?? utc;
    return zoneOfFile(isAbsolute(name) ? name : join(folder, name)) ?? (isZone(name) ? name : utc);
  }
}

/** The time of change cannot be set back. */
function identityOf(path: string): string {
  const status = lstatSync(path, { throwIfNoEntry: false, bigint: true });
  return status === undefined ? 'none' : `${status.dev}:${status.ino}:${status.ctimeNs}`;
}

function resolved(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return targetOf(path);
  }
}

/** Nobody listens yet: where a link leads is where the socket will be. */
function targetOf(path: string): string {
  let target = path;
  try {
    target = resolve(dirname(path), readlinkSync(path));
  } catch {
    // No link, or nothing at all.
  }
  try {
    return join(realpathSync.native(dirname(target)), basename(target));
  } catch {
    return target;
  }
}

/** The last line of a tzfile(5) of version 2 or later is the zone's present rules in the form of TZ. */
function zoneOfFile(path: string): string | undefined {
  try {
    const zone = readFileSync(path, 'latin1').trimEnd().split('\n').at(-1) ?? '';
    return isZone(zone) ? zone : undefined;
  } catch {
    return undefined;
  }
}

function isZone(text: string): boolean {
  return text.length <= zoneLimit && /^(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)[+-]?[0-9][A-Za-z0-9<>,.:/+-]*$/.test(text);
}
