/*
 * The locale C.UTF-8 as one file. Jobs have it, mostly, and where it is in no archive every program that asks for its locale opens a dozen files (docs/adr/0040-locale-archive.md).
 */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const LOCALE = 'C.utf8';
const DEADLINE_MS = 30_000;

/**
 * Makes the archive, unless the root file system brings one, or has no such locale. It holds the compiled locale as it is there, so that this machine's localedef will do; where that is missing, or
 * cannot, programs only start a little later.
 */
export async function addLocaleArchive(root: string): Promise<void> {
  const directory = join(root, 'usr/lib/locale');
  const archive = join(directory, 'locale-archive');
  if (existsSync(archive) || !existsSync(join(directory, LOCALE))) return;
  try {
    await localedef(root, '--add-to-archive', join(directory, LOCALE));
    // It passes over what is incomplete, and says so only in words.
    if (!(await localedef(root, '--list-archive')).split('\n').includes(LOCALE)) rmSync(archive, { force: true });
    else chmodSync(archive, 0o644);
  } catch {
    rmSync(archive, { force: true });
  }
}

async function localedef(root: string, ...options: readonly string[]): Promise<string> {
  const { stdout } = await run('localedef', ['--prefix', root, ...options], { timeout: DEADLINE_MS, killSignal: 'SIGKILL', env: { PATH: '/usr/bin:/bin' } });
  return stdout;
}
