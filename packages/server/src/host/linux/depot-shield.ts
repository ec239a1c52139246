/** The depot, and the root above it, are never seen in a container: files there have their owners' rights, and sockets lead to monitors. */
import { realpathSync } from 'node:fs';
import { WardenError } from 'warden-protocol';

export class DepotShield {
  #realDepot: string | undefined;

  constructor(private readonly depotPath: string) {}

  /**
   * Why a container must not see this place, or undefined.
   * @param real absolute, without symbolic links
   */
  reasonAgainst(real: string): string | undefined {
    if (real === '/') return 'it is the host\'s own root';
    const depot = (this.#realDepot ??= this.#resolve());
    if (real === depot) return 'it is the depot, which holds all containers';
    if (real.startsWith(`${depot}/`)) return `it lies in the depot ${depot}`;
    if (depot.startsWith(`${real}/`)) return `it contains the depot ${depot}`;
    return undefined;
  }

  #resolve(): string {
    try {
      return realpathSync.native(this.depotPath);
    } catch (error) {
      throw new WardenError('internal', `the depot ${this.depotPath} is gone`, { cause: error });
    }
  }
}
