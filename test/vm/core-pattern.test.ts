/*
 * B15, with a core_pattern that is a program: the setting is the whole machine's, so this file is for the virtual machine alone. A crash on
 * the host, with a limit of 0, starts the program, which shows that it can be seen; a crash of a container's job never does.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { runProgram } from '../harness/run-program.js';

const DIRECTORY = `/run/warden-core-pattern-${process.pid}`;
const SETTINGS = ['/proc/sys/kernel/core_pattern', '/proc/sys/kernel/core_pipe_limit'] as const;

const before = SETTINGS.map((path) => readFileSync(path, 'utf8'));
after(() => {
  SETTINGS.forEach((path, index) => writeFileSync(path, before[index] ?? ''));
  rmSync(DIRECTORY, { recursive: true, force: true });
});

const server = useServer({}, () => {
  assert.ok(/QEMU/.test(readFileSync('/sys/class/dmi/id/sys_vendor', 'utf8')), 'this test changes the machine\'s core_pattern: npm run test:vm');
  mkdirSync(DIRECTORY, { recursive: true });
  writeFileSync(`${DIRECTORY}/log`, '');
  writeFileSync(`${DIRECTORY}/program`, `#!/bin/sh\ncat > /dev/null\necho "$*" >> ${DIRECTORY}/log\n`);
  chmodSync(`${DIRECTORY}/program`, 0o755);
  writeFileSync(SETTINGS[0], `|${DIRECTORY}/program %e`);
  // A process that has crashed waits for the program's end: what it would have written is there when the job has ended.
  writeFileSync(SETTINGS[1], '16');
});

const crashOnHost = (): Promise<unknown> => runProgram('prlimit', ['--core=0:0', 'bash', '-c', 'kill -SEGV $$']);
const linesSeen = (): string[] => readFileSync(`${DIRECTORY}/log`, 'utf8').split('\n').filter((line) => line !== '');

test('crashes of jobs start no program of core_pattern, whatever limit they have or give themselves', async () => {
  const { client, handle } = await server.container();
  await crashOnHost();
  assert.deepEqual(linesSeen(), ['bash'], 'the program is started for others, also with a limit of 0');
  // setrlimit and prlimit64 of RLIMIT_CORE; there is no compiler in this machine.
  const lowered = 'perl -e \'my $none = pack "QQ", 0, 0; syscall 160, 4, $none; syscall 302, 0, 4, $none, 0; kill "SEGV", $$; sleep 10\'';
  const crashes = `(kill -SEGV $BASHPID); ulimit -c 0; (kill -SEGV $BASHPID); (kill -ABRT $BASHPID); ${lowered}; true`;
  for (const privileged of [false, true]) {
    for (const rlimits of [{}, { core: 0n }, { core: 1_000_000n }, { core: 2n ** 64n - 1n }]) await client.run(handle, crashes, { privileged, rlimits });
  }
  assert.deepEqual(linesSeen(), ['bash']);
  assert.deepEqual((await client.info(handle)).events, ['rlimit core clamped to 0']);
  assert.equal(output(await client.run(handle, 'find / -xdev -name "core*" -type f -size +100 2>/dev/null; true', { privileged: true })), '');
  await crashOnHost();
  assert.deepEqual(linesSeen(), ['bash', 'bash'], 'it still can be seen');
});
