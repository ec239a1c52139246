/**
 * Files and directories of the host that a client wants in a container. What is found here is opened by the launcher a moment later, without
 * following a symbolic link that somebody has put on the way meanwhile.
 */
import { statSync, type Stats } from 'node:fs';
import { WardenError } from 'warden-protocol';
import type { BindSource, BindSources } from '../host.js';
import { DepotShield } from './depot-shield.js';
import { leadsOutOf, ledOut, realPath } from './writable-places.js';

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
    const left = leadsOutOf(path, real, writable);
    if (left !== undefined) throw refused(path, ledOut(left));
    return { path: real, isFile: status.isFile() };
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
