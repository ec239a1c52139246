import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WardenError } from 'warden-protocol';
import { checkJobOptions, timeoutOf, type JobRequest } from './job-options.js';

/** What is wrong with a request; undefined when nothing is. */
function complaintAbout(options: Partial<JobRequest>): string | undefined {
  try {
    checkJobOptions({ handle: 'demo', script: '', ...options });
    return undefined;
  } catch (error) {
    assert.ok(error instanceof WardenError && error.code === 'invalid_argument', String(error));
    return error.message;
  }
}

test('what makes sense is accepted, up to the limits', () => {
  const accepted: Partial<JobRequest>[] = [
    {}, { script: 'x'.repeat(1 << 20) }, { args: ['ls'] }, { args: ['/bin/echo', '', '$(id) `id` ; | & > < \n * ? ~ "\''] }, { args: ['x'.repeat(131_071)] },
    { args: Array.from({ length: 1024 }, () => 'x') }, { env: ['A=', '_b1=x=y', 'PATH=', `${'N'.repeat(256)}=1`, 'A=$(id)\n'] }, { env: Array.from({ length: 1024 }, (_, index) => `V${index}=x`) },
    { cwd: '/' }, { cwd: `/${'x'.repeat(4094)}` }, { cwd: '/a/../../b $(id)\n' }, { stdin: true }, { stdin: true, script: 'cat' },
    { tty: { rows: 1, columns: 4096 } }, { tty: { rows: 4096, columns: 1, term: 'xterm-256color' } }, { timeoutMs: 1n }, { timeoutMs: 2n ** 64n - 1n },
    { user: 'vcap' }, { user: 'www-data' }, { user: 'systemd-network' }, { user: 'ü' }, { user: '0' }, { user: '1000:100' }, { user: '4294967294' }, { user: 'backup$' },
  ];
  for (const options of accepted) assert.equal(complaintAbout(options), undefined, JSON.stringify(options, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)).slice(0, 200));
});

test('what does not is refused, with the field, its limit, and what was found', () => {
  const refused: [Partial<JobRequest>, RegExp][] = [
    [{ args: ['ls'], script: 'ls' }, /^script has to be empty when there are args/],
    [{ args: [''] }, /^args\[0\] is the program, and empty$/],
    [{ args: ['ls', 'a\0b'] }, /^args\[1\] contains a NUL character$/],
    [{ args: ['x'.repeat(131_072)] }, /^args\[0\] has 131072 bytes, the limit is 131071$/],
    [{ args: Array.from({ length: 1025 }, () => 'x') }, /^there are 1025 args, the limit is 1024$/],
    [{ args: ['x'.repeat(100_000)], env: [`A=${'x'.repeat(100_000)}`] }, /^args, env take 200004 bytes, the limit is 131072 together$/],
    [{ env: Array.from({ length: 1025 }, () => 'A=') }, /^there are 1025 env entries, the limit is 1024$/],
    [{ env: ['A=1', 'HOME'] }, /^env\[1\] is NAME=value, and "HOME" has no =$/],
    [{ env: ['=x'] }, /^the name of env\[0\] is .* which "" is not$/],
    [{ env: ['1A=x'] }, /begins with no digit, which "1A" is not/],
    [{ env: ['A B=x'] }, /which "A B" is not/],
    [{ env: ['BASH_FUNC_ls%%=() { id; }'] }, /which "BASH_FUNC_ls%%" is not/],
    [{ env: ['A\u001b[2J=x'] }, /which "A\\u001b\[2J" is not/],
    [{ env: [`${'N'.repeat(257)}=1`] }, /^the name of env\[0\] is at most 256 letters/],
    [{ env: ['A=\0'] }, /^env\[0\] \("A"\) contains a NUL character$/],
    [{ env: [`A=${'x'.repeat(131_072)}`] }, /^env\[0\] \("A"\) has 131074 bytes, the limit is 131071$/],
    [{ cwd: '' }, /^cwd is an absolute path in the container, not ""$/],
    [{ cwd: 'tmp' }, /not "tmp"$/],
    [{ cwd: '~' }, /not "~"$/],
    [{ cwd: '/a\0b' }, /^cwd contains a NUL character$/],
    [{ cwd: `/${'x'.repeat(4095)}` }, /^cwd has 4096 bytes, the limit is 4095$/],
    [{ stdin: true, script: 'x'.repeat(131_072) }, /^a script that is bash's argument, as with stdin and tty, has 131072 bytes, the limit is 131071$/],
    [{ stdin: true, script: 'x'.repeat(131_000), env: [`A=${'y'.repeat(100)}`] }, /^args, env and a script that is bash's argument take 131104 bytes/],
    [{ tty: { rows: 24, columns: 80 }, script: 'a\0b' }, /^a script that is bash's argument, .* contains a NUL character$/],
    [{ tty: { rows: 0, columns: 80 } }, /^tty\.rows is a number from 1 to 4096, not 0$/],
    [{ tty: { rows: 24, columns: 4097 } }, /^tty\.columns is a number from 1 to 4096, not 4097$/],
    [{ tty: { rows: 24, columns: 80, term: '' } }, /^tty\.term is the name of a terminal such as xterm-256color/],
    [{ tty: { rows: 24, columns: 80, term: '../x' } }, /not "\.\.\/x"$/],
    [{ tty: { rows: 24, columns: 80, term: 'x'.repeat(65) } }, /at most 64/],
    [{ timeoutMs: 0n }, /^timeout_ms is at least 1; leave it out for no time-out$/],
  ];
  for (const [options, message] of refused) assert.match(complaintAbout(options) ?? 'accepted', message);
  for (const user of ['', ' ', 'a b', 'a:b', ':1', '1:', '1:2:3', '1:x', '-1', '--user', '4294967295', '1:4294967295', '99999999999', '1x', '/etc', '../x', 'a\nroot', 'a\0', '$(id)\t', 'x'.repeat(65)]) {
    assert.match(complaintAbout({ user }) ?? 'accepted', /^user is a name of the container's \/etc\/passwd, a uid, or uid:gid, not "/, JSON.stringify(user));
  }
});

test('a time-out that nobody would live to see is none', () => {
  const timeout = (timeoutMs: bigint | undefined): bigint | undefined => timeoutOf({ handle: 'demo', script: '', timeoutMs });
  assert.deepEqual([timeout(undefined), timeout(1n), timeout(2n ** 32n), timeout(2n ** 63n), timeout(2n ** 64n - 1n)], [undefined, 1n, 2n ** 32n, undefined, undefined]);
});
