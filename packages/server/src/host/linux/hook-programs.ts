/** Programs that may run as hooks, with the rights of wardend: only those that nobody but root can change. */
import { lstatSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { WardenError } from 'warden-protocol';
import type { HookPrograms } from '../host.js';

export class LinuxHookPrograms implements HookPrograms {
  /** @param directory undefined: a create cannot name any */
  constructor(private readonly directory: string | undefined) {}

  find(name: string): string {
    if (this.directory === undefined) throw new WardenError('permission', 'hooks: this server takes none from clients; set hooks.programs_path to a directory of programs that they may name');
    const path = join(this.directory, name);
    requireHookProgram(path, () => new WardenError('not_found', `hook ${name} not found: there is no such program in ${String(this.directory)}`));
    return path;
  }
}

/**
 * @param missing the error when nothing is there
 * @throws WardenError permission: it is none that can be executed, or others than root can change it
 */
export function requireHookProgram(path: string, missing: () => WardenError): void {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) throw missing();
  if (!status.isFile() || (status.mode & 0o111) === 0) throw new WardenError('permission', `hook ${path} is no program: it must be a file that can be executed`);
  const real = realpathSync.native(path);
  for (const place of [real, dirname(real), path, dirname(path)]) {
    const { uid, mode } = lstatSync(place);
    if (uid !== 0 || (!lstatSync(place).isSymbolicLink() && (mode & 0o022) !== 0)) {
      throw new WardenError('permission', `hook ${path} runs as root, and others than root can change ${place}: chown root and chmod go-w it`);
    }
  }
}
