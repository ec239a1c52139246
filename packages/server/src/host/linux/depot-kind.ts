/**
 * Whose containers a depot has: a server of one kind would misunderstand what is left there by one of the other. The launcher of Linux containers
 * makes DEPOT/lock at its first start; a server of plain processes makes DEPOT/plain.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const plainMark = 'plain';
const launcherLock = 'lock';

/** Undefined: it is new. */
export function depotKindOf(depotPath: string): 'Linux' | 'Insecure' | undefined {
  if (existsSync(join(depotPath, launcherLock))) return 'Linux';
  return existsSync(join(depotPath, plainMark)) ? 'Insecure' : undefined;
}

export function markDepotAsPlain(depotPath: string): void {
  mkdirSync(depotPath, { recursive: true, mode: 0o700 });
  writeFileSync(join(depotPath, plainMark), '');
}
