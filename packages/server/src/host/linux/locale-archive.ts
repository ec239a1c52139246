/**
 * The locale C.UTF-8 as one file. The C library looks into /usr/lib/locale/locale-archive first, and finds all parts of a locale in it by one open(2);
 * without it, and Debian's C.UTF-8 is in none, every program that asks for its locale opens a dozen files. Containers that have the host's /usr see the
 * archive there when the host has none of its own (native/launcher/namespaces.c, docs/adr/0040-locale-archive.md).
 */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { Log } from '../../lib/log.js';

const run = promisify(execFile);

const localesOfHost = '/usr/lib/locale/C.utf8';
const makeDeadlineMs = 10_000;
/** What the launcher takes. */
const limitInBytes = 16 * 1024 * 1024;

/**
 * Makes the archive in the depot, unless the one that is there is younger than what it is made of.
 * @param locales directory of the compiled locale
 * @returns its path; undefined: the host has no such locale, or no program that makes an archive of it
 */
export async function prepareLocaleArchive(depotPath: string, log: Log, locales: string = localesOfHost): Promise<string | undefined> {
  const archive = join(depotPath, 'locale-archive');
  const partial = join(depotPath, `locale-archive.partial-${process.pid}`);
  try {
    const changedMs = lastChangeMs(locales);
    if (changedMs === undefined) return undefined;
    if ((statSync(archive, { throwIfNoEntry: false })?.ctimeMs ?? 0) > changedMs) return archive;
    const directory = join(partial, 'usr/lib/locale');
    mkdirSync(directory, { recursive: true });
    await localedef(partial, '--add-to-archive', locales);
    // It passes over what is incomplete, and says so only in words.
    if (!(await localedef(partial, '--list-archive')).split('\n').includes(basename(locales))) throw new Error(`localedef has not taken ${locales}`);
    const made = join(directory, 'locale-archive');
    const { size } = statSync(made);
    if (size > limitInBytes) throw new Error(`${size} bytes, the limit is ${limitInBytes}`);
    chmodSync(made, 0o644);
    renameSync(made, archive);
    return archive;
  } catch (error) {
    // Programs in containers start a little later without it.
    log.info({ archive, err: error }, 'no archive of the locale C.UTF-8 could be made for containers with the host\'s /usr');
    return undefined;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

async function localedef(prefix: string, ...options: readonly string[]): Promise<string> {
  const { stdout } = await run('localedef', ['--prefix', prefix, ...options], { timeout: makeDeadlineMs, killSignal: 'SIGKILL', env: { PATH: '/usr/bin:/bin' } });
  return stdout;
}

/** Of the directory and what is in it, in milliseconds since 1970; undefined: it is not there. */
function lastChangeMs(directory: string): number | undefined {
  const status = statSync(directory, { throwIfNoEntry: false });
  if (status?.isDirectory() !== true) return undefined;
  return Math.max(status.ctimeMs, ...readdirSync(directory).map((name) => statSync(join(directory, name)).ctimeMs));
}
