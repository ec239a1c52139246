import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, describe, it } from 'node:test';
import { Type, WardenError } from 'warden-protocol';
import { type FakeHandlers, FakeServer } from 'warden-client/testing';
import { complete } from './completion/prompt.js';
import { commandList } from './help.js';
import { main } from './main.js';

let server: FakeServer | undefined;

afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  server = undefined;
});

async function start(handlers: FakeHandlers): Promise<FakeServer> {
  server = await FakeServer.listen(handlers);
  return server;
}

async function limit(...words: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const status = await main(['limit', ...words], { stdin: Readable.from([]), stdout, stderr }, { WARDEN_SOCKET: server?.path ?? '' });
  const text = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString() ?? '';
  return { status, stdout: text(stdout), stderr: text(stderr) };
}

describe('limit HANDLE KIND [VALUE…]', () => {
  it('sets or reads one limit, and prints what is in force', async () => {
    const { requests } = await start({
      [Type.LimitMemory]: ({ limitInBytes = 77n }) => ({ limitInBytes }),
      [Type.LimitCpu]: ({ limitInShares = 1024n }) => ({ limitInShares }),
      [Type.LimitDisk]: ({ byteLimit = 5n }) => ({ byteLimit }),
      [Type.LimitPids]: ({ limit = 1024n }) => ({ limit: limit > 5000n ? undefined : limit }),
      [Type.LimitBandwidth]: ({ rate, burst }) => ({ rate, burst: burst - 1n }),
      [Type.Info]: () => ({ bandwidthStat: { inRate: 4_294_967_295n, inBurst: 4_294_967_295n } }),
    });
    const printed: string[] = [];
    for (const words of ['mem', 'mem 512M', 'mem none', 'cpu', 'cpu 2', 'disk', 'disk 18446744073709551615', 'disk none', 'pids', 'pids 64', 'pids none', 'bandwidth 1k 2K', 'bandwidth']) {
      const { status, stdout, stderr } = await limit('demo', ...words.split(' '));
      assert.deepEqual([status, stderr], [0, ''], words);
      printed.push(stdout.trimEnd());
    }
    assert.deepEqual(printed, ['77', '536870912', '18446744073709551615', '1024', '2', '5', '18446744073709551615', '0', '1024', '64', 'none', 'rate: 1024 burst: 2047', 'rate: 4294967295 burst: 4294967295']);
    assert.ok(requests.every(({ request }) => (request as { handle: string }).handle === 'demo'));
    assert.deepEqual(requests[1]?.request, { handle: 'demo', limitInBytes: 536_870_912n });
  });

  it('refuses what is no number, no kind, or not all of it, before anything is sent', async () => {
    const { requests } = await start({});
    for (const [words, message] of [
      ['', /^usage: limit HANDLE mem\|cpu\|disk\|pids\|bandwidth \[VALUE…\]\n$/], ['demo', /^usage: /], ['demo memory 5', /^usage: /], ['demo mem 1 2', /^usage: limit HANDLE mem \[BYTES\]\n$/],
      ['demo bandwidth 5', /^usage: limit HANDLE bandwidth \[RATE BURST\]\n$/], ['--handle demo mem', /^usage: /], ['demo cpu none', /^SHARES of limit cpu is a number .*, not "none"\n$/],
      ['demo mem -1', /not "-1"/], ['demo mem 1.5G', /not "1\.5G"/], ['demo mem 0x10', /or none, not "0x10"/], ['demo mem 18446744073709551616', /from 0 to 18446744073709551615/], ['demo mem 18446744073709551615K', /not/],
    ] as const) {
      const { status, stdout, stderr } = await limit(...words.split(' ').filter((word) => word !== ''));
      assert.deepEqual([status, stdout], [1, ''], words);
      assert.match(stderr, message, words);
    }
    assert.deepEqual(requests, []);
  });

  it('tells the error of a server that cannot', async () => {
    await start({ [Type.LimitDisk]: () => { throw new WardenError('unsupported', 'limit_disk: no quotas here'); } });
    assert.deepEqual(await limit('demo', 'disk', '5'), { status: 1, stdout: '', stderr: 'limit_disk: no quotas here\n' });
  });

  it('is in the list, has help of its own, and is completed', async () => {
    assert.match(commandList(), /^ {2}limit +set or read one limit/m);
    for (const words of [['limit', '--help'], ['help', 'limit']]) {
      const stdout = new PassThrough();
      assert.equal(await main(['--', ...words], { stdin: Readable.from([]), stdout, stderr: new PassThrough() }, { WARDEN_SOCKET: (await start({})).path }), 0);
      assert.match(String(stdout.read()), /^limit: .*\nusage: limit HANDLE mem \[BYTES\]\n {3}or: limit HANDLE cpu/);
      await server?.[Symbol.asyncDispose]();
    }
    const live = { handles: async (): Promise<string[]> => ['demo'], images: async (): Promise<string[]> => [] };
    assert.deepEqual(await complete('limit ', live), [['demo '], '']);
    assert.deepEqual(await complete('limit demo b', live), [['bandwidth '], 'b']);
    assert.deepEqual((await complete('limit demo mem ', live))[0], []);
  });
});
