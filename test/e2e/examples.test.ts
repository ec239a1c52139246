/* The programs of examples/, beyond what their page shows (e2e/documents runs that): what goes wrong, and what must not get through. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { useServer } from '../harness/fixture.js';
import { repository } from '../harness/paths.js';
import { runProgram, type Finished } from '../harness/run-program.js';

const server = useServer();
const example = (...parts: string[]): string => join(repository, 'examples', ...parts);

function run(name: string, args: readonly string[], input = ''): Promise<Finished> {
  return runProgram(process.execPath, [example('dist', `${name}.js`), ...args], { input, env: { ...process.env, WARDEN_SOCKET: server.paths.socket, NO_COLOR: '1' }, timeoutMs: 60_000 });
}

const judge = (submission: string): Promise<Finished> => run('judge', [example('judge-problem'), example('judge-problem/submissions', submission)]);

async function answers(requests: readonly object[]): Promise<Record<string, unknown>[]> {
  const { status, stdout, stderr } = await run('code-runner', [], requests.map((request) => `${JSON.stringify(request)}\n`).join(''));
  assert.deepEqual([status, stderr], [0, '']);
  return stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('the judge says what is wrong with a submission', async () => {
  assert.deepEqual(await judge('overflow.c'), { status: 1, signal: null, stdout: '1-small: accepted\n2-zero: accepted\n3-large: wrong answer\n2 of 3 accepted\n', stderr: '' });
  assert.equal((await judge('crash.py')).stdout, '1-small: runtime error\n2-zero: accepted\n3-large: accepted\n2 of 3 accepted\n');
  const odd = await judge('odd.c');
  assert.equal(odd.status, 1);
  assert.match(odd.stdout, /^does not compile\n[^]*missing/);
  assert.equal((await judge('poem.txt')).status, 2);
});

test('a CI job ends with the step that fails, and its artifacts come home all the same', async () => {
  const directory = mkdtempSync(join(server.slot.directory, 'ci-'));
  try {
    cpSync(example('ci-project'), join(directory, 'project'), { recursive: true });
    const steps = [{ name: 'write', script: 'echo "$GREETING" > report.txt; ls Makefile' }, { name: 'fail', script: 'false | true; echo not reached' }, { name: 'after', script: 'echo not reached' }];
    writeFileSync(join(directory, 'project/ci.json'), JSON.stringify({ env: { GREETING: 'hello' }, steps, artifacts: ['report.txt', 'none', '.', 'sub/..'] }));
    const { status, stdout, stderr } = await run('ci-job', [join(directory, 'project'), join(directory, 'results')]);
    assert.deepEqual([status, stdout], [1, 'Makefile\n']);
    assert.match(stderr, /^── write\n── fail\n── fail: status 1\n── no artifact none: /);
    assert.equal(readFileSync(join(directory, 'results/report.txt'), 'utf8'), 'hello\n');
    assert.deepEqual(readdirSync(join(directory, 'results')), ['report.txt']);
    assert.match(stderr, /── no artifact sub\/\.\.: /);
    assert.equal(existsSync(join(directory, 'project/report.txt')), false, 'the project is as it was');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the code runner keeps a session together and sessions apart, reaches nothing, and goes on after what goes wrong', async () => {
  const write = { code: 'open("kept", "w").write("here")', session: 'a' };
  const read = 'import os.path; print(os.path.exists("kept"))';
  const reach = `import socket\ntry: socket.create_connection(("${server.slot.network.replace(/0$/, '1')}", 22), 3)\nexcept OSError: print("nothing")`;
  const [, here, there, network, hungry, afterwards, unknown, inherited, noRequest] = await answers([
    write, { code: read, session: 'a' }, { code: read, session: 'b' }, { code: reach }, { code: 'print(len(b"x" * (1 << 30)))', session: 'a' }, { code: read, session: 'a' }, { code: 'x', language: 'cobol' }, { code: 'x', language: 'constructor' }, { session: 'a' },
  ]);
  assert.equal(here?.['stdout'], 'True\n');
  assert.equal(there?.['stdout'], 'False\n');
  assert.equal(network?.['stdout'], 'nothing\n');
  assert.match(String(hungry?.['note']), /out of memory/);
  assert.deepEqual([afterwards?.['stdout'], afterwards?.['exitStatus']], ['False\n', 0]);
  assert.match(String(unknown?.['note']), /no language cobol/);
  assert.match(String(inherited?.['note']), /no language constructor/);
  assert.match(String(noRequest?.['note']), /code is missing/);
});

test('the code runner says of the program that wrote too much that it did, and not of those behind it in its session', async () => {
  const tooMuch = { code: 'while True: print("x" * 100_000)' };
  const [flood, calm, killed, again] = await answers([tooMuch, { code: 'print("calm")' }, { code: 'import time; time.sleep(1000)', timeoutSeconds: 1 }, tooMuch]);
  const note = 'it was ended because it wrote too much';
  assert.deepEqual([flood?.['exitStatus'], flood?.['note']], [255, note]);
  assert.deepEqual(calm, { stdout: 'calm\n', stderr: '', exitStatus: 0 });
  assert.equal(killed?.['note'], 'it was ended because its time was over');
  assert.equal(again?.['note'], note);
});
