import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobDescription } from '../host/monitor.js';
import { describeJob } from './job-description.js';
import type { JobRequest } from './job-options.js';

const defaults = { jobId: 1, vcap: 10_000, lang: 'C.UTF-8', timeZone: () => 'UTC0', rlimits: new Map(), refuseCoreDumps: () => false, outputLimitInBytes: 1000 };
const ownEnvironment = ['LANG=C.UTF-8', 'HOME=/home/vcap', 'USER=vcap', 'PATH=/bin:/usr/bin'];

function described(request: Partial<JobRequest>): JobDescription {
  return describeJob({ handle: 'demo', script: '', ...request }, defaults);
}

test('without options a job is what it has always been', () => {
  const { command, rlimits, ...job } = described({ script: 'echo\nls' });
  assert.deepEqual(job, {
    jobId: 1, argv: ['/bin/bash'], environment: ownEnvironment, script: Buffer.from('echo\nls'), workingDirectory: '/home/vcap', requireDirectory: false, userName: undefined, uid: 10_000,
    gid: 10_000, privileged: false, outputLimitInBytes: 1000n, discard: false, openInput: false, terminal: undefined, timeoutMs: undefined, log: undefined,
  });
  assert.equal(command, 'echo …');
  assert.equal(rlimits.length, 15);
});

test('an argument vector is the program itself, and its standard input is empty', () => {
  const { argv, script, command, openInput } = described({ args: ['echo', '$(id)', 'a b'] });
  assert.deepEqual([argv, script, command, openInput], [['echo', '$(id)', 'a b'], undefined, 'echo \'$(id)\' \'a b\'', false]);
});

test('a script is bash\'s argument when standard input is the job\'s own, also one that looks like an option', () => {
  for (const own of [{ stdin: true }, { tty: { rows: 1, columns: 2 } }]) {
    const { argv, script, openInput, command } = described({ script: '-x', ...own });
    assert.deepEqual([argv, script, openInput, command], [['/bin/bash', '-c', '--', '-x'], undefined, true, '-x']);
    const empty = described(own);
    assert.deepEqual([empty.argv, empty.script, empty.openInput, empty.command], [['/bin/bash'], undefined, true, '/bin/bash']);
    const vector = described({ args: ['cat'], ...own });
    assert.deepEqual([vector.argv, vector.script, vector.openInput], [['cat'], undefined, true]);
  }
  assert.equal(described({ script: 'x', stdin: false }).openInput, false);
});

test('variables of the request win over the job\'s own, the last one of a name counts', () => {
  assert.deepEqual(described({ env: ['A=1', 'PATH=/opt/bin:/bin', 'A=2=3'] }).environment, ['LANG=C.UTF-8', 'HOME=/home/vcap', 'USER=vcap', 'PATH=/opt/bin:/bin', 'A=2=3']);
});

test('a terminal has its size, and a name in the environment', () => {
  const job = described({ tty: { rows: 24, columns: 80 } });
  assert.deepEqual([job.terminal, job.environment], [{ rows: 24, columns: 80 }, [...ownEnvironment, 'TERM=xterm']]);
  assert.deepEqual(described({ tty: { rows: 1, columns: 1, term: 'linux' } }).environment.at(-1), 'TERM=linux');
  assert.deepEqual(described({ tty: { rows: 1, columns: 1, term: 'linux' }, env: ['TERM=dumb'] }).environment.at(-1), 'TERM=dumb');
});

test('a directory that was asked for has to exist, the home need not', () => {
  const { workingDirectory, requireDirectory } = described({ cwd: '/tmp' });
  assert.deepEqual([workingDirectory, requireDirectory], ['/tmp', true]);
});

test('a user of the image brings HOME, USER and the directory, which the request may name itself', () => {
  const job = described({ user: 'daemon' });
  assert.deepEqual([job.userName, job.workingDirectory, job.requireDirectory, job.environment], ['daemon', undefined, false, ['LANG=C.UTF-8', 'PATH=/bin:/usr/bin']]);
  const own = described({ user: '0', privileged: true, env: ['HOME=/x'], cwd: '/y' });
  assert.deepEqual([own.privileged, own.workingDirectory, own.environment], [true, '/y', ['LANG=C.UTF-8', 'PATH=/sbin:/bin:/usr/sbin:/usr/bin', 'HOME=/x']]);
});

test('a time-out goes along, but for one that nobody would live to see', () => {
  assert.equal(described({ timeoutMs: 1500n }).timeoutMs, 1500n);
  assert.equal(described({ timeoutMs: 2n ** 64n - 1n }).timeoutMs, undefined);
});
