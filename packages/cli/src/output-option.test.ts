import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { Type } from 'warden-protocol';
import { type FakeHandlers, FakeServer } from 'warden-client/testing';
import { takeOutput } from './output-option.js';
import { Program } from './test-program.js';

let server: FakeServer | undefined;

afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  server = undefined;
});

async function warden(handlers: FakeHandlers, ...words: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  await server?.[Symbol.asyncDispose]();
  server = await FakeServer.listen(handlers);
  return new Program(server.path, words).end();
}

it('stands at one end of a command, where no value of a field can be', () => {
  for (const words of [['a', '-o', 'json'], ['-o', 'json', 'a'], ['a', '--output', 'json'], ['a', '--output=json']]) assert.deepEqual(takeOutput(words), { words: ['a'], json: true }, words.join(' '));
  for (const words of [['a', '-o', 'table'], ['a']]) assert.deepEqual(takeOutput(words), { words: ['a'], json: false });
  for (const words of [['--script', '-o'], ['--args', '-o', '--args', 'json'], []]) assert.deepEqual(takeOutput(words), { words, json: false });
  for (const words of [['-o', 'xml'], ['a', '--output='], ['a', '-o']]) assert.deepEqual(takeOutput(words), { words, json: false });
  const value = ['--handle', 'x', '--args', 'kubectl', '--args', '--output=json'];
  assert.deepEqual(takeOutput(value), { words: value, json: false });
  assert.deepEqual(takeOutput(['--handle', 'x', '--output=json']), { words: ['--handle', 'x'], json: true });
});

describe('-o json', () => {
  const rude = '\u009b31m\u001b[2J';

  it('of a request prints its answer, or a line for each', async () => {
    const { stdout } = await warden({ [Type.Info]: () => ({ state: rude, events: [], jobIds: [2n ** 64n - 1n], netIn: [{ hostPort: 1, containerPort: 2, protocol: 1 }] }) }, 'info', '--handle', 'x', '-o', 'json');
    assert.doesNotMatch(stdout, /[\x7f-\x9f\u001b]/);
    assert.deepEqual(JSON.parse(stdout), { state: rude, events: [], job_ids: ['18446744073709551615'], net_out: [], net_in: [{ host_port: 1, container_port: 2, protocol: 'udp' }], bind_mounts: [] , ...('labels' in JSON.parse(stdout) ? { labels: {} } : {}) });
    const streamed = await warden({ [Type.Stream]: async function* () {
      yield { name: 'stdout', data: Buffer.from('ü\n') };
      yield { exitStatus: 7 };
    } }, 'stream', '--handle', 'x', '--job_id', '1', '-o', 'json');
    assert.deepEqual(streamed, { status: 7, stdout: '{"name":"stdout","data":"\u00c3\u00bc\\n"}\n{"exit_status":7}\n', stderr: '' });
    const run = await warden({ [Type.Run]: () => ({ exitStatus: 3, stdout: Buffer.from('out') }) }, 'run', '--handle', 'x', '--script', 'y', '-o', 'json');
    assert.deepEqual([run.status, JSON.parse(run.stdout)], [3, { exit_status: 3, stdout: 'out' }]);
    for (const words of [['--stdin'], ['--tty.rows', '5', '--tty.columns', '5']]) {
      const fed = await warden({ [Type.Run]: () => ({ exitStatus: 0 }) }, 'run', '--handle', 'x', '--script', 'y', ...words, '-o', 'json');
      assert.deepEqual([fed.status, fed.stdout, server?.requests], [1, '', []]);
      assert.match(fed.stderr, /^run -o json passes no input on: /);
    }
  });

  it('of commands for people, too', async () => {
    assert.deepEqual(JSON.parse((await warden({ [Type.LimitMemory]: () => ({ limitInBytes: 77n }) }, 'limit', 'x', 'mem', '-o', 'json')).stdout), { limit: 77 });
    assert.deepEqual(JSON.parse((await warden({ [Type.LimitPids]: () => ({}) }, 'limit', 'x', 'pids', '-o', 'json')).stdout), { limit: null });
    assert.deepEqual(JSON.parse((await warden({ [Type.LimitBandwidth]: ({ rate, burst }) => ({ rate, burst }) }, 'limit', 'x', 'bandwidth', '5', '6', '-o', 'json')).stdout), { rate: 5, burst: 6 });
    assert.deepEqual(JSON.parse((await warden({ [Type.Jobs]: () => ({ jobs: [{ id: 1, state: 'running' }] }) }, 'jobs', 'x', '-o', 'json')).stdout), [{ id: 1, state: 'running' }]);
    assert.equal((await warden({ [Type.Logs]: async function* () {
      yield { name: 'stderr', data: Buffer.from('e') };
      yield { last: true, position: 1n };
    } }, '--', 'logs', 'x', '1', '-o', 'json')).stdout, '{"name":"stderr","data":"e"}\n{"position":1,"last":true}\n');
    const entry = { kind: 'file', mode: 0o644, uid: 1, gid: 2, sizeInBytes: 3n, modifiedNs: 0n, hardLinks: 1 };
    assert.deepEqual(JSON.parse((await warden({ [Type.StatFile]: () => ({ entry }) }, 'ls', 'x:f', '-o', 'json')).stdout),
      [{ name: 'f', kind: 'file', mode: 0o644, uid: 1, gid: 2, size_in_bytes: 3, modified_ns: 0, modified: '1970-01-01T00:00:00.000Z', hard_links: 1 }]);
  });
});
