import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { silentLog } from '../../lib/log.js';
import { prepareLocaleArchive } from './locale-archive.js';

const base = mkdtempSync(join(tmpdir(), 'warden-locale-'));
after(() => rmSync(base, { recursive: true, force: true }));

function scene(name: string) {
  const depot = join(base, name);
  mkdirSync(depot);
  const locales = join(base, `${name}-locales/C.utf8`);
  cpSync('/usr/lib/locale/C.utf8', locales, { recursive: true });
  return { depot, locales, archive: join(depot, 'locale-archive') };
}

test('it is made once, and again when the locale has changed', async () => {
  const { depot, locales, archive } = scene('once');
  assert.equal(await prepareLocaleArchive(depot, silentLog, locales), archive);
  const first = statSync(archive);
  assert.ok(first.size > 100_000 && (first.mode & 0o777) === 0o644);
  assert.equal(await prepareLocaleArchive(depot, silentLog, locales), archive);
  assert.equal(statSync(archive).ino, first.ino);
  // The time of change is now, whatever the other times say: as after an upgrade of the C library.
  utimesSync(join(locales, 'LC_CTYPE'), 0, 0);
  assert.equal(await prepareLocaleArchive(depot, silentLog, locales), archive);
  assert.notEqual(statSync(archive).ino, first.ino);
  assert.deepEqual(readdirSync(depot), ['locale-archive']);
});

test('without the locale, or when it is none, containers do without, and nothing is left', async () => {
  const { depot, locales } = scene('without');
  assert.equal(await prepareLocaleArchive(depot, silentLog, join(locales, 'nowhere')), undefined);
  rmSync(locales, { recursive: true });
  mkdirSync(locales);
  writeFileSync(join(locales, 'LC_CTYPE'), 'no locale');
  assert.equal(await prepareLocaleArchive(depot, silentLog, locales), undefined);
  assert.ok(existsSync(depot));
  assert.deepEqual(readdirSync(depot), []);
});
