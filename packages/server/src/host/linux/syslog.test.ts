import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LinuxSyslog } from './syslog.js';

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'warden-syslog-')));
after(() => rmSync(directory, { recursive: true }));

test('a symbolic link is followed, whether somebody listens at its end or not', () => {
  mkdirSync(join(directory, 'run'));
  symlinkSync('run', join(directory, 'alias'));
  symlinkSync(join(directory, 'alias/socket'), join(directory, 'log'));
  assert.equal(new LinuxSyslog(join(directory, 'log')).socketPath(), join(directory, 'run/socket'), 'not there yet');
  writeFileSync(join(directory, 'run/socket'), '');
  assert.equal(new LinuxSyslog(join(directory, 'log')).socketPath(), join(directory, 'run/socket'));
  assert.equal(new LinuxSyslog(join(directory, 'run/socket')).socketPath(), join(directory, 'run/socket'));
});

test('a link to a name that fits into no address is left alone', () => {
  symlinkSync('x'.repeat(81), join(directory, 'long'));
  assert.equal(new LinuxSyslog(join(directory, 'long')).socketPath(), join(directory, 'long'));
});

test('a directory that is not there is noticed, a socket that is not is none of that', () => {
  assert.equal(new LinuxSyslog(join(directory, 'none')).lacksDirectory(), false);
  assert.equal(new LinuxSyslog(join(directory, 'none/log')).lacksDirectory(), true);
});

test('a path that leads nowhere stays what it is', () => {
  assert.equal(new LinuxSyslog('/nonexistent/log').socketPath(), '/nonexistent/log');
});

test('another link in its place is followed at once', () => {
  const directory = mkdtempSync(join(tmpdir(), 'warden-syslog-'));
  const path = join(directory, 'log');
  const syslog = new LinuxSyslog(path);
  assert.equal(syslog.socketPath(), path);
  symlinkSync(join(directory, 'one'), path);
  assert.equal(syslog.socketPath(), join(directory, 'one'));
  assert.equal(syslog.socketPath(), join(directory, 'one'));
  rmSync(path);
  symlinkSync(join(directory, 'two'), path);
  assert.equal(syslog.socketPath(), join(directory, 'two'));
  rmSync(path);
  assert.equal(syslog.socketPath(), path);
  rmSync(directory, { recursive: true });
});

test('the zone is what stands behind the last newline of the zone\'s file', () => {
  const local = join(directory, 'localtime');
  const zoneOf = (tz?: string): string => new LinuxSyslog('/dev/log', { local, folder: directory, tz }).timeZone();
  assert.equal(zoneOf(), 'UTC0', 'no file');
  writeFileSync(local, 'TZif2\0\xff\nCET-1CEST,M3.5.0,M10.5.0/3\n', 'latin1');
  assert.equal(zoneOf(), 'CET-1CEST,M3.5.0,M10.5.0/3');
  writeFileSync(local, 'TZif2\0\n<+0530>-5:30\n');
  assert.equal(zoneOf(), '<+0530>-5:30');
  writeFileSync(local, 'TZif\0\0no newline');
  assert.equal(zoneOf(), 'UTC0', 'a file of version 1 has no such line');
  writeFileSync(join(directory, 'Zone'), 'TZif2\n\nEST5EDT,M3.2.0,M11.1.0\n');
  assert.equal(zoneOf('Zone'), 'EST5EDT,M3.2.0,M11.1.0', 'TZ wins');
  assert.equal(zoneOf(`:${join(directory, 'Zone')}`), 'EST5EDT,M3.2.0,M11.1.0');
  assert.equal(zoneOf('JST-9'), 'JST-9');
  assert.equal(zoneOf('no such zone'), 'UTC0');
});
