/** Plain processes see the machine's own files: there is nothing to choose but those. */
import { statSync } from 'node:fs';
import { WardenError } from 'warden-protocol';
import type { RootFileSystem, RootFileSystems } from '../host.js';
import { unsupported } from './unsupported.js';

const machine: RootFileSystem = { lowers: [], mounts: [] };

export class InsecureRootFileSystems implements RootFileSystems {
  /** @param configuredPath what a create without a rootfs asks for: no create has chosen that */
  constructor(private readonly configuredPath: () => string) {}

  open(name: string): RootFileSystem {
    if (name === '/' || name === this.configuredPath()) return machine;
    if (!name.startsWith('image:') && !isDirectory(name)) throw new WardenError('not_found', `rootfs ${name} not found`);
    throw unsupported(`rootfs ${name}`);
  }

  hold(): void {}

  release(): void {}

  holdEverything(): void {}
}

/** What cannot be looked at, or cannot be a path, is none. */
function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
