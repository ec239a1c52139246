/*
 * B15: memory of crashed jobs. With core_pattern a program, the kernel starts it as root of the host whatever the limit of core
 * files is, except for a limit of 1. That limit is every job's, and no job can change it, not even lower it. The program itself is
 * a matter of the VM suite: the pattern is the whole machine's.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { statusField } from '../harness/processes.js';
import { compileProbe } from '../harness/programs.js';
import { mustRun } from '../harness/run-program.js';

const server = useServer({ rootfs: { probes: ['core-limit'] } });
const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
const staysInside = !/^[|@]/.test(pattern) && !(pattern.startsWith('/') && readFileSync('/proc/sys/fs/suid_dumpable', 'utf8').trim() === '2');
const coreFiles = 'find / -xdev -name "core*" -type f -size +0 -newer /tmp/before 2>/dev/null; true';
const crash = 'touch /tmp/before; chmod 666 /tmp/before; (kill -SEGV $BASHPID); (kill -ABRT $BASHPID); (exec kill -QUIT $BASHPID)';
const limitOf = 'while read -r line; do [[ $line == "Max core"* ]] && echo $line; done < /proc/self/limits; true';

for (const privileged of [false, true]) {
  test(`a crash leaves nothing, and the limit is 1 whatever a job does: ${privileged ? 'privileged' : 'vcap'}`, async () => {
    const { client, handle } = await server.container();
    await client.run(handle, crash, { privileged });
    assert.equal(output(await client.run(handle, coreFiles, { privileged: true })), '');
    // By every call that sets it, for itself and for a child, as an x86-64 and as an i386 program.
    const tries = await client.run(handle, `/probes/core-limit; ulimit -c 0 && ulimit -c unlimited; ${limitOf}`, { privileged });
    assert.equal(tries.stderr, '');
    assert.deepEqual(tries.stdout.trimEnd().split('\n').filter((line) => !/ 1 1$/.test(line)), ['Max core file size 1 1 bytes'], tries.stdout);
    assert.ok(tries.stdout.split('\n').length > 10, tries.stdout);
  });
}

test('the same program changes its limit where nothing keeps it from that', async () => {
  const stdout = await mustRun('prlimit', ['--core=4096:4096', await compileProbe('core-limit', server.slot.directory)]);
  const lines = stdout.trimEnd().split('\n');
  assert.ok(lines.every((line) => / 0 0$/.test(line)), stdout);
});

test('a request for core dumps is granted where they stay in the container, and is else refused with an event', async () => {
  const { client, handle } = await server.container();
  const granted = output(await client.run(handle, limitOf, { rlimits: { core: 1_000_000_000n } }));
  await client.run(handle, `cd /tmp; ${crash}`, { rlimits: { core: 1_000_000_000n } });
  const { events } = await client.info(handle);
  if (staysInside) {
    assert.deepEqual([granted, events], ['Max core file size 1000000000 1000000000 bytes\n', []]);
    if (!pattern.includes('/')) assert.match(output(await client.run(handle, coreFiles, { privileged: true })), /^\/tmp\/core/);
  } else {
    assert.deepEqual([granted, events], ['Max core file size 1 1 bytes\n', ['rlimit core clamped to 0']]);
  }
});

test('PID 1 cannot be dumped, and has the limit too', async () => {
  const { handle } = await server.container();
  const [init = 0] = await server.pidsOf(handle);
  assert.match(readFileSync(`/proc/${init}/limits`, 'utf8'), /^Max core file size\s+1\s/m);
  assert.equal(statusField(init, 'CoreDumping'), '0');
});
