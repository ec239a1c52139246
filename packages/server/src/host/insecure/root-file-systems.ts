/** Plain processes see the machine's own files: there is nothing to choose. */
import type { RootFileSystem, RootFileSystems } from '../host.js';
import { unsupported } from './unsupported.js';

export class InsecureRootFileSystems implements RootFileSystems {
  /** @param configuredPath what a create without a rootfs asks for: no create has chosen that */
  constructor(private readonly configuredPath: () => string) {}

  open(name: string): RootFileSystem {
    if (name !== this.configuredPath()) throw unsupported(`rootfs ${name}`);
    return { lowers: [], mounts: [] };
  }

  hold(): void {}

  release(): void {}

  holdEverything(): void {}
}
