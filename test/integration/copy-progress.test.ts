/* Copies that take a while: what is told meanwhile, and what is left when the client goes, or the container. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RequestError } from '../harness/client.js';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { commandLine, findProcesses, parentOf, readProc } from '../harness/processes.js';
import { untilSeen } from '../harness/wait.js';
import type { Fields } from '../harness/wire.js';

const FILES = 30;
const FILE_BYTES = 10_000_000;
const COPIES_TO_SEE = 20;
const server = useServer({}, prepare);
const source = (): string => join(server.slot.directory, 'source');
const target = (): string => join(server.slot.directory, 'target');

async function prepare(): Promise<void> {
  mkdirSync(source());
  for (let number = 0; number < FILES; number++) writeFileSync(join(source(), String(number)), Buffer.alloc(FILE_BYTES, number + 1));
  await Promise.resolve();
}

/** Host's ends of copies of this server. */
function hostEnds(): number[] {
  return findProcesses((pid) => commandLine(pid) === 'files host' && parentOf(pid) === server.daemon.launcherPid);
}

/**
 * Until nobody works on files any more. The host's end goes first: one in the container that is not seen by then has not begun to copy, and
 * without the host's end it will not; one that is there may still be taking away the file that it was at.
 */
async function untilCopyEnded(): Promise<void> {
  await untilSeen('the end of the host\'s end of the copy', () => hostEnds().length === 0, () => `processes ${hostEnds().join(' ')}`);
  await server.untilFilesAreLeft();
}

/** Stopped as soon as it is there, so that the copy takes as long as the test wants. */
async function holdHostEnd(): Promise<number> {
  await untilSeen('the host\'s end of a copy', () => hostEnds().length > 0, () => 'none');
  const [pid = 0] = hostEnds();
  process.kill(pid, 'SIGSTOP');
  return pid;
}

function checkCounts(answers: readonly Fields[]): void {
  const told = answers.flatMap(({ progress }) => (progress === undefined ? [] : [progress as { made: bigint; bytes: bigint }]));
  const end = answers.at(-1) as { made: bigint; bytes: bigint };
  assert.ok(told.length > 0, 'nothing was told meanwhile');
  for (const [index, { made, bytes }] of [...told, end].entries()) {
    const before = told[index - 1];
    assert.ok(before === undefined || (made >= before.made && bytes >= before.bytes), `${index}: counts grow`);
  }
  // The directory itself is new.
  assert.deepEqual([end.made, end.bytes], [BigInt(FILES + 1), BigInt(FILES * FILE_BYTES)]);
}

/** Whatever is there is whole, and under its own name. */
function checkWhole(directory: string): number {
  const names = existsSync(directory) ? readdirSync(directory) : [];
  for (const name of names) assert.ok(readFileSync(join(directory, name)).equals(Buffer.alloc(FILE_BYTES, Number(name) + 1)), `${name} of ${names.join(' ')}`);
  return names.length;
}

test('counts come while a copy goes on, both ways, and only to who wants them', async () => {
  const { client, handle } = await server.container();
  const other = await server.connect();
  const collect = async (name: 'copy_in' | 'copy_out', fields: Fields): Promise<Fields[]> => {
    const answers: Fields[] = [];
    const done = (async () => {
      for await (const answer of client.copying(name, fields)) answers.push(answer);
    })();
    // Held for longer than a tenth of a second it has something to tell, however fast the disk is.
    const pid = await holdHostEnd();
    output(await other.run(handle, 'sleep 0.25'));
    process.kill(pid, 'SIGCONT');
    await done;
    return answers;
  };
  checkCounts(await collect('copy_in', { handle, src_path: `${source()}/`, dst_path: 'tree' }));
  checkCounts(await collect('copy_out', { handle, src_path: 'tree/', dst_path: target() }));
  assert.equal(checkWhole(target()), FILES);
  assert.equal((await client.request('copy_in', { handle, src_path: join(source(), '0'), dst_path: 'one' }))['progress'], undefined);
  rmSync(target(), { recursive: true });
});

for (const direction of ['copy_in', 'copy_out'] as const) {
  test(`${direction}: a client that goes ends it; what is there is whole, and the next copy is as if there had been none`, async () => {
    const { client, handle } = await server.container();
    if (direction === 'copy_out') await client.request('copy_in', { handle, src_path: `${source()}/`, dst_path: 'tree' });
    const paths = direction === 'copy_in' ? { src_path: `${source()}/`, dst_path: 'tree' } : { src_path: 'tree/', dst_path: target() };
    const leaving = await server.connect();
    const answers = leaving.copying(direction, { handle, ...paths });
    const first = answers.next();
    first.catch(() => undefined);
    const pid = await holdHostEnd();
    leaving.close();
    await assert.rejects(first, /closed the connection/);
    process.kill(pid, 'SIGCONT');
    await untilCopyEnded();
    const count = direction === 'copy_out'
      ? checkWhole(target())
      : output(await client.run(handle, `test -e tree || exit 0; cd tree; for f in * .[!.]*; do test -e "$f" || continue; echo "$f $(stat -c %s "$f")"; done`)).split('\n').filter((line) => line !== '' && assert.match(line, new RegExp(`^\\d+ ${FILE_BYTES}$`)) === undefined).length;
    assert.ok(count < FILES, `${count} files: the copy went on`);
    const { made } = await client.request(direction, { handle, ...paths });
    // With the directory, unless it was there already.
    assert.ok(made === BigInt(FILES) || made === BigInt(FILES + 1), String(made));
    if (direction === 'copy_out') {
      assert.equal(checkWhole(target()), FILES);
      rmSync(target(), { recursive: true });
    }
  });
}

/** What the threads of a process may do, each as one line. */
function rightsOf(pid: number): string[] {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => readProc(pid, `task/${thread}/status`));
  return threads.map((status) => status.split('\n').filter((line) => /^(Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp\w*):/.test(line)).join());
}

for (const direction of ['copy_in', 'copy_out'] as const) {
  test(`${direction}: the two threads that write have given up the same`, async () => {
    const { client, handle } = await server.container();
    if (direction === 'copy_out') await client.request('copy_in', { handle, src_path: `${source()}/`, dst_path: 'tree' });
    const writers = direction === 'copy_in' ? (): number[] => server.filePrograms() : hostEnds;
    let rights: string[] = [];
    const equal = (): boolean => {
      const now = writers().flatMap((pid) => (existsSync(`/proc/${pid}/task`) ? rightsOf(pid) : []));
      if (now.length > 0) rights = now;
      const [first = '', second] = now;
      return first === second && /NoNewPrivs:\t1,Seccomp:\t2,/.test(first);
    };
    let seen = false;
    // A copy may be over between two looks: then another one is looked at.
    for (let round = 1; !seen; round++) {
      assert.ok(round <= COPIES_TO_SEE, `${COPIES_TO_SEE} copies, and never two threads with the same rights: ${rights.join(' | ')}`);
      const paths = direction === 'copy_in' ? { src_path: `${source()}/`, dst_path: `tree-${round}` } : { src_path: 'tree/', dst_path: target() };
      let over = false;
      const copy = client.request(direction, { handle, ...paths }).finally(() => { over = true; });
      copy.catch(() => undefined);
      await untilSeen('two threads, or the end of the copy', () => (seen = equal()) || over, () => rights.join(' | '));
      assert.equal((await copy)['made'], BigInt(FILES) + 1n);
      if (direction === 'copy_out') rmSync(target(), { recursive: true });
      else output(await client.run(handle, `rm -r tree-${round}`));
    }
  });
}

test('a container that is destroyed ends its copies with an error that says so', async () => {
  const { client, handle } = await server.container();
  const copier = await server.connect();
  const copy = copier.request('copy_in', { handle, src_path: `${source()}/`, dst_path: 'tree' });
  copy.catch(() => undefined);
  const pid = await holdHostEnd();
  await client.destroy(handle);
  process.kill(pid, 'SIGCONT');
  const error = await copy.then(() => assert.fail('it was copied'), (reason: unknown) => reason);
  assert.ok(error instanceof RequestError && ['wrong_state', 'not_found'].includes(error.code), String(error));
  await untilCopyEnded();
});
