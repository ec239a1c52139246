/**
 * Files and directories of the host that a client wants in a container. What is found here is opened by the launcher a moment later, without
 * following a symbolic link that somebody has put on the way meanwhile.
 */
import { realpathSync, statSync, type Stats } from 'node:fs';
import { WardenError } from 'warden-protocol';
import type { BindSource, BindSources } from '../host.js';
import { DepotShield } from './depot-shield.js';

export class LinuxBindSources implements BindSources {
  readonly #shield: DepotShield;

  constructor(depotPath: string) {
    this.#shield = new DepotShield(depotPath);
  }

  /** @throws WardenError not_found; invalid_argument for devices, for what would show the host's root or the depot, and for where a container led it */
  open(path: string, writable: readonly string[]): BindSource {
    const found = find(path);
    if (found === undefined) throw new WardenError('not_found', `Source path for bind mount does not exist: ${path}`);
    const { real, status } = found;
    const reason = this.#shield.reasonAgainst(real);
    if (reason !== undefined) throw refused(path, `${reason}; name a directory below it`);
    if (status.isBlockDevice() || status.isCharacterDevice()) throw refused(path, 'it is a device, and devices of the host have no effect in a container');
    const left = writable.find((directory) => !isWithin(real, directory) && enters(path, directory));
    if (left !== undefined) throw refused(path, `it leads out of ${left}, which a container can write to, by a symbolic link there`);
    return { path: real, isFile: status.isFile() };
  }
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

/**
 * Whether the way to a path goes through a directory. The part of it before that is the host's alone, so a container that changes the rest
 * meanwhile cannot make this say no.
 */
function enters(path: string, directory: string): boolean {
  for (let end = path.indexOf('/', 1); end !== -1; end = path.indexOf('/', end + 1)) {
    const real = realPath(path.slice(0, end));
    if (real !== undefined && isWithin(real, directory)) return true;
  }
  return false;
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}

function find(path: string): { real: string; status: Stats } | undefined {
  const real = realPath(path);
  const status = real === undefined ? undefined : statSync(real, { throwIfNoEntry: false });
  return real === undefined || status === undefined ? undefined : { real, status };
}

function refused(path: string, why: string): WardenError {
  return new WardenError('invalid_argument', `Source path for bind mount cannot be used: ${path}: ${why}`);
}
