/*
 * A file that is open for writing cannot be executed (ETXTBSY), and the kernel counts a writer before it
 * finds that the mount is read-only. Whoever may open the host's programs for writing, even in vain, keeps them from starting.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { runProgram } from '../harness/run-program.js';

const server = useServer({});

const rounds = 1500;
/** Whatever becomes of whoever was to say stop: nothing else ends them. */
const openersEndAfterSeconds = 120;
/** Opens a program for writing, again and again, until a file says stop. */
const openers = (program: string, stop: string): string =>
  `perl -e 'alarm ${openersEndAfterSeconds}; until (-e "${stop}") { for (1..2000) { open(F, ">>", "${program}") } }'`;
/** Prints whether a program could not be executed, at the latest after so many rounds. */
const failure = (program: string, most: number): string =>
  `failed=0; for round in $(seq ${most}); do "${program}" || { failed=1; break; }; done 2>/dev/null; echo "failed $failed"`;

test('a container cannot keep a program of the host from starting', async () => {
  const { client, handle } = await server.container();
  const other = await server.connect();
  const jobId = await other.spawn(handle, `echo up; exec ${openers('/usr/bin/true', '/tmp/stop')}`, { privileged: true });
  const watcher = await server.connect();
  await streamUntil(watcher.stream(handle, jobId), 'up');
  watcher.close();
  const { stdout } = await runProgram('bash', ['-c', failure('/usr/bin/true', rounds)]);
  await client.run(handle, 'touch /tmp/stop', { privileged: true });
  await client.link(handle, jobId);
  assert.equal(stdout, 'failed 0\n');
});

test('the same opens of a read-only bind mount do keep it from starting', async () => {
  const directory = `${server.slot.directory}/shown`;
  mkdirSync(`${directory}/view`, { recursive: true });
  mkdirSync(`${directory}/programs`);
  const program = `${directory}/programs/true`;
  copyFileSync('/usr/bin/true', program);
  const script = `mount --bind "${directory}/programs" "${directory}/view" && mount -o remount,bind,ro "${directory}/view" || exit 1
    ${openers(`${directory}/view/true`, `${directory}/stop`)} & ${failure(program, 40 * rounds)}; touch "${directory}/stop"; wait`;
  const { stdout } = await runProgram('unshare', ['--mount', '--propagation', 'private', 'bash', '-c', script]);
  assert.equal(stdout, 'failed 1\n');
});
