import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { Type, WardenError } from 'warden-protocol';
import { type FakeHandlers, FakeServer } from 'warden-client/testing';
import { Program } from '../test-program.js';

let server: FakeServer | undefined;

afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  server = undefined;
});

async function start(handlers: FakeHandlers): Promise<FakeServer> {
  server = await FakeServer.listen(handlers);
  return server;
}

function begin(words: readonly string[], options: ConstructorParameters<typeof Program>[2] = {}): Program {
  return new Program(server?.path ?? '', words, { environment: { NO_COLOR: '1' }, ...options });
}

async function warden(...words: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const { status, stdout, stderr } = await begin(words).end();
  return { status, stdout: Buffer.from(stdout, 'latin1').toString(), stderr };
}

const HOSTILE = 'a\u001b[2J\u009b31m\u202egnp\nb';
const rude = /[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]/;

const info = {
  state: 'active', events: [], jobIds: [], hostIp: '10.0.0.1', containerIp: '10.0.0.2',
  memoryStat: { totalRss: 3n << 20n, totalCache: 2n << 20n, totalInactiveFile: 1n << 20n, hierarchicalMemoryLimit: 1n << 30n },
  cpuStat: { usage: 0n }, diskStat: { bytesUsed: 5n << 20n, inodesUsed: 7n }, pidsStat: { current: 4n, max: 100n }, networkStat: { inBytes: 2048n, outBytes: 100n },
  netIn: [{ hostPort: 61001, containerPort: 80, protocol: 0 }, { hostPort: 61002, containerPort: 80, protocol: 1 }, { hostPort: 61003, containerPort: 80, protocol: 0 }],
  bandwidthStat: { inRate: 4_294_967_295n, inBurst: 4_294_967_295n, outRate: 1n << 20n, outBurst: 65_536n },
};

const process = { pid: 1, parentPid: 0, uid: 0, state: 'S', threads: 1, cpuTimeMs: 61_230n, residentBytes: 1n << 20n, startedMs: 0n, name: Buffer.from('wshd'), commandLine: Buffer.from('wshd: x') };

describe('ps', () => {
  const minutes = (count: number): bigint => BigInt(Date.now() - count * 60_000 - 500);
  const containers = [
    { handle: 'web', state: 'active', rootfs: 'image:app', createdMs: minutes(3), containerIp: '10.0.0.2', jobs: 2, netIn: [{ hostPort: 8080, containerPort: 80, protocol: 0 }, { hostPort: 53, containerPort: 53, protocol: 1 }], labels: [{ key: 'tier', value: 'front' }, { key: 'bare', value: '' }], ttlLeftMs: 90_000n },
    { handle: HOSTILE.replace('\n', ''), state: 'active', labels: [{ key: HOSTILE, value: HOSTILE }] },
    { handle: 'old', state: 'stopped', rootfs: `/srv/${'x'.repeat(100)}`, createdMs: minutes(60 * 24 * 2), labels: [{ key: '__proto__', value: 'x' }] },
  ];
  const handlers: FakeHandlers = { [Type.List]: ({ details }) => ({ handles: containers.map(({ handle }) => handle), containers: details === true ? containers : [] }) };

  it('lists those that are active, or all', async () => {
    const { requests } = await start(handlers);
    const { status, stdout, stderr } = await warden('ps');
    const [heading = '', first = '', second = '', ...rest] = stdout.split('\n');
    assert.deepEqual([status, stderr, rest], [0, '', ['']]);
    assert.match(heading, /^HANDLE +ROOTFS +CREATED +STATE +JOBS +ADDRESS +PORTS$/);
    assert.match(first, /^web +image:app +3 minutes ago +active, 1 minute left +2 +10\.0\.0\.2 +8080->80\/tcp, 53->53\/udp$/);
    assert.match(second, /^a\\x1b\[2J\\x9b31m\\u\{202e\}gnpb +- +- +active +0 +-$/);
    assert.deepEqual(requests.map(({ request }) => request), [{ labels: [], details: true, limit: 1000 }]);
    assert.match((await warden('ps', '-a', '--labels')).stdout, /\nold +\/srv\/x{26}… +2 days ago +stopped +0 +- +__proto__=x\n$/);
    assert.match((await warden('ps', '-a', '--no-trunc')).stdout, /x{100}/);
    assert.doesNotMatch((await warden('ps', '-a', '--labels')).stdout, rude);
    assert.match((await warden('ps', '--labels')).stdout, /tier=front, bare\n/);
  });

  it('goes by filters, those of labels at the server', async () => {
    const { requests } = await start(handlers);
    const handlesOf = async (...words: string[]): Promise<string> => (await warden('ps', '-q', ...words)).stdout;
    assert.equal(await handlesOf('-f', 'label=tier=a=b', '--filter', 'label=bare', '-f', 'name=we'), 'web\n');
    assert.deepEqual(requests.at(-1)?.request, { labels: [{ key: 'tier', value: 'a=b' }, { key: 'bare' }], details: true, limit: 1000 });
    assert.equal(await handlesOf('-f', 'status=stopped'), 'old\n');
    assert.equal(await handlesOf('-f', 'status=stopped', '-f', 'status=active', '-f', 'rootfs=image:'), 'web\n');
    for (const filter of ['nope=x', 'label=', 'status=running', 'x']) assert.equal((await warden('ps', '-f', filter)).status, 1, filter);
  });

  it('prints JSON, labels as they are', async () => {
    await start(handlers);
    const { stdout } = await warden('ps', '-a', '-o', 'json');
    assert.doesNotMatch(stdout, rude);
    const [web, , old] = JSON.parse(stdout) as { labels: object; net_in: object[]; ttl_left_ms: number }[];
    assert.deepEqual([web?.labels, web?.net_in[1], web?.ttl_left_ms], [{ tier: 'front', bare: '' }, { host_port: 53, container_port: 53, protocol: 'udp' }, 90_000]);
    assert.deepEqual(Object.entries(old?.labels ?? {}), [['__proto__', 'x']]);
    assert.deepEqual(JSON.parse((await warden('ps', '-q', '-o', 'json')).stdout), ['web', HOSTILE.replace('\n', '')]);
  });

  it('of a server that only tells handles is an error', async () => {
    await start({ [Type.List]: () => ({ handles: ['a'] }) });
    assert.deepEqual(await warden('ps'), { status: 1, stdout: '', stderr: 'warden: the server is too old to tell more than handles; list shows those\n' });
  });

  it('has colours on a terminal alone', async () => {
    await start(handlers);
    assert.match((await begin(['ps', '-a'], { tty: true, environment: {} }).end()).stdout, /\u001b\[1mHANDLE.*\u001b\[32mactive, 1 minute left\u001b\[0m.*\u001b\[33mstopped\u001b\[0m/s);
    assert.doesNotMatch((await begin(['ps', '-a'], { environment: {} }).end()).stdout, /\u001b/);
  });
});

describe('top', () => {
  it('lists processes, what they are called told and never obeyed', async () => {
    await start({ [Type.Processes]: () => ({ processes: [process, { ...process, pid: 7, parentPid: 1, uid: 10_000, name: Buffer.from(HOSTILE), commandLine: Buffer.from(`sh\0-c\0${HOSTILE}`) },
      { ...process, pid: 8, state: 'Z', name: Buffer.from(HOSTILE), commandLine: undefined }, { ...process, pid: 9, commandLine: Buffer.from('\xff\xfe', 'latin1') }], more: true }) });
    const { status, stdout, stderr } = await warden('top', 'demo');
    const lines = stdout.split('\n');
    assert.equal(status, 0);
    assert.equal(stderr, 'warden: there are more processes than the server tells\n');
    assert.match(lines[0] ?? '', /^PID +PPID +UID +S +THREADS +CPU% +TIME +MEMORY +STARTED +COMMAND$/);
    assert.match(lines[1] ?? '', /^ +1 +0 +0 +S +1 +0\.0 +1:01\.23 +1\.0MiB +1970-01-01 +wshd: x$/);
    assert.ok(lines[2]?.endsWith('sh -c a\\x1b[2J\\x9b31m\\u{202e}gnp\\nb'), lines[2]);
    assert.ok(lines[3]?.endsWith('[a\\x1b[2J\\x9b31m\\u{202e}gnp\\nb]'), lines[3]);
    assert.equal(lines.length, 6);
    assert.doesNotMatch(stdout, rude);
  });

  it('prints JSON, which a terminal takes no orders from either', async () => {
    await start({ [Type.Processes]: () => ({ processes: [{ ...process, name: Buffer.from(HOSTILE), commandLine: Buffer.from(`a\0${HOSTILE}`) }] }) });
    const { stdout } = await warden('top', '-o', 'json', 'demo');
    assert.doesNotMatch(stdout, rude);
    assert.deepEqual(JSON.parse(stdout), [{ pid: 1, parent_pid: 0, uid: 0, state: 'S', threads: 1, cpu_time_ms: 61_230, resident_bytes: 1 << 20, started_ms: 0, name: HOSTILE, command_line: ['a', HOSTILE] }]);
  });

  it('cuts lines at the edge of a terminal, unless it is told not to', async () => {
    await start({ [Type.Processes]: () => ({ processes: [{ ...process, commandLine: Buffer.from('x'.repeat(500)) }] }) });
    assert.ok((await begin(['top', 'demo'], { tty: true }).end()).stdout.split('\n').every((line) => line.length <= 100));
    assert.match((await begin(['top', '--no-trunc', 'demo'], { tty: true }).end()).stdout, /x{500}/);
  });
});

describe('port', () => {
  it('shows where ports of the host lead', async () => {
    await start({ [Type.Info]: () => info });
    assert.equal((await warden('port', 'demo')).stdout, '80/tcp -> 61001\n80/udp -> 61002\n80/tcp -> 61003\n');
    assert.equal((await warden('port', 'demo', '80')).stdout, '61001\n61003\n');
    assert.equal((await warden('port', 'demo', '80/udp')).stdout, '61002\n');
    assert.deepEqual(JSON.parse((await warden('port', '-o', 'json', 'demo', '80/udp')).stdout), [{ host_port: 61002, container_port: 80, protocol: 'udp' }]);
    assert.deepEqual(await warden('port', 'demo', '81'), { status: 1, stdout: '', stderr: 'warden: no port of the host leads to 81 of demo; port demo lists those that do\n' });
    for (const port of ['0', '65536', 'x', '80/icmp', '-1']) assert.equal((await warden('port', 'demo', port)).status, 1, port);
  });
});

describe('limits', () => {
  const handlers: FakeHandlers = {
    [Type.Info]: () => info,
    [Type.LimitMemory]: ({ limitInBytes = 1n << 30n }) => ({ limitInBytes }),
    [Type.LimitCpu]: ({ limitInShares = 1024n, quotaInUs, periodInUs }) => ({ limitInShares, quotaInUs, periodInUs }),
    [Type.LimitDisk]: ({ byteLimit = 0n, inodeLimit = 9n }) => ({ byteLimit, inodeLimit }),
    [Type.LimitBandwidth]: ({ rate, burst }) => ({ rate, burst }),
    [Type.LimitPids]: ({ limit }) => ({ limit }),
  };

  it('shows what is in force and in use', async () => {
    await start(handlers);
    const { stdout, status } = await warden('limits', 'demo');
    assert.equal(status, 0);
    assert.deepEqual(stdout.split('\n').map((line) => line.split(/ {2,}/)), [
      ['LIMIT', 'IN FORCE', 'IN USE'], ['memory', '1.0GiB', '4.0MiB'], ['processors', 'none', '-'], ['cpu shares', '1024', '-'], ['processors to run on', 'all', '-'], ['disk', 'none', '5.0MiB'],
      ['files', '9', '7'], ['processes and threads', '100', '4'], ['bandwidth in', 'none', '-'], ['bandwidth out', '1.0MiB/s, bursts of 64.0KiB', '-'], [''],
    ]);
    assert.deepEqual(JSON.parse((await warden('limits', 'demo', '-o', 'json')).stdout), {
      memory_bytes: 1 << 30, processors: null, cpu_shares: 1024, cpu_list: null, disk_bytes: null, inodes: 9, processes: 100, bandwidth_in: null,
      bandwidth_out: { bytes_per_second: 1 << 20, burst_bytes: 65_536 },
    });
  });

  it('sets what is given, and nothing else', async () => {
    const { requests } = await start(handlers);
    const sent = async (...words: string[]): Promise<unknown[]> => {
      requests.length = 0;
      assert.equal((await warden('limits', ...words, 'demo')).status, 0, words.join(' '));
      return requests.map(({ request }) => request).filter((request) => Object.values(request).filter((value) => value !== undefined && !(Array.isArray(value) && value.length === 0)).length > 1);
    };
    assert.deepEqual(await sent(), []);
    assert.deepEqual(await sent('--memory', '64M'), [{ handle: 'demo', limitInBytes: 1n << 26n }]);
    assert.deepEqual(await sent('--memory', 'none'), [{ handle: 'demo', limitInBytes: 2n ** 64n - 1n }]);
    assert.deepEqual(await sent('--disk', '1G', '--inodes', '100'), [{ handle: 'demo', byteLimit: 1n << 30n, inodeLimit: 100n }]);
    assert.deepEqual(await sent('--cpus', '1.5', '--cpu-shares', '512', '--cpuset-cpus', '0-1'), [{ handle: 'demo', limitInShares: 512n, quotaInUs: 150_000n, periodInUs: 100_000n, cpus: '0-1' }]);
    assert.deepEqual(await sent('--pids', '64'), [{ handle: 'demo', limit: 64n }]);
    assert.deepEqual(await sent('--pids', 'none'), [{ handle: 'demo', limit: 2n ** 64n - 1n }]);
    assert.deepEqual(await sent('--bandwidth', '1M'), [{ handle: 'demo', rate: 1n << 20n, burst: 104_857n }]);
    assert.deepEqual(await sent('--bandwidth', '1K:2K'), [{ handle: 'demo', rate: 1024n, burst: 2048n }]);
    for (const words of [['--memory', 'x'], ['--cpus', '-1'], ['--bandwidth', '1:2:3'], ['--inodes', '1.5'], ['--pids', '0']]) assert.equal((await warden('limits', ...words, 'demo')).status, 1, words.join(' '));
  });
});

describe('stats', () => {
  it('shows one table with what was used between two looks', async () => {
    let usage = 0n;
    await start({ [Type.List]: () => ({ handles: ['a', 'stopped'] }), [Type.Info]: ({ handle }) => ({ ...info, state: handle === 'stopped' ? 'stopped' : 'active', cpuStat: { usage: usage += 10_000_000_000n } }) });
    const { status, stdout } = await warden('stats', '--no-stream', '--interval', '0.1');
    assert.equal(status, 0);
    const [heading = '', row = '', ...rest] = stdout.split('\n');
    assert.match(heading, /^HANDLE +CPU% +MEMORY +LIMIT +MEM% +NET IN +NET OUT +DISK +PIDS$/);
    assert.match(row, /^a +[1-9]\d*\.\d +4\.0MiB +1\.0GiB +0\.4 +2\.0KiB +100B +5\.0MiB +4$/);
    assert.deepEqual(rest, ['']);
    const all = JSON.parse((await warden('stats', '-a', '--no-stream', '--interval', '0.1', '-o', 'json')).stdout) as { handle: string; state: string; memory_limit_bytes: number }[];
    assert.deepEqual(all.map(({ handle, state, memory_limit_bytes }) => [handle, state, memory_limit_bytes]), [['a', 'active', 1 << 30], ['stopped', 'stopped', 1 << 30]]);
  });

  it('goes on until it is interrupted, line over line on a terminal', async () => {
    await start({ [Type.List]: () => ({ handles: [HOSTILE.replace('\n', '')] }), [Type.Info]: () => info });
    const program = begin(['stats', '--interval', '0.1'], { tty: true });
    await program.shows('\u001b[J');
    program.send('SIGINT');
    const { status, stdout } = await program.end();
    assert.equal(status, 0);
    assert.ok(stdout.startsWith('\u001b[H'));
    assert.doesNotMatch(stdout.replaceAll('\u001b[H', '').replaceAll('\u001b[K', '').replaceAll('\u001b[J', ''), rude);
  });

  it('leaves out what goes meanwhile, and tells of what was named and is not there', async () => {
    await start({ [Type.List]: () => ({ handles: ['a', 'gone'] }), [Type.Info]: ({ handle }) => {
      if (handle === 'gone') throw new WardenError('not_found', 'unknown handle');
      return info;
    } });
    assert.match((await warden('stats', '--no-stream', '--interval', '0.1')).stdout, /^HANDLE[^\n]*\na [^\n]*\n$/);
    assert.deepEqual(await warden('stats', '--no-stream', 'gone'), { status: 1, stdout: '', stderr: 'warden: gone: unknown handle\n' });
    assert.equal((await warden('stats', '--interval', '0.01')).status, 1);
  });
});

describe('inspect', () => {
  it('prints everything as JSON, or one field', async () => {
    await start({ [Type.Info]: () => info, [Type.Jobs]: () => ({ jobs: [{ id: 3, state: 'running', command: HOSTILE }] }), [Type.LimitMemory]: () => ({ limitInBytes: 77n }), [Type.LimitCpu]: () => ({ limitInShares: 1024n }),
      [Type.LimitDisk]: () => { throw new WardenError('unsupported', 'none here'); } });
    const { stdout, status } = await warden('inspect', 'demo', 'other');
    assert.equal(status, 0);
    assert.doesNotMatch(stdout, rude);
    const [first, second] = JSON.parse(stdout) as Record<string, unknown>[];
    assert.deepEqual([first?.['handle'], first?.['state'], first?.['limits'], second?.['handle']], ['demo', 'active', { memory_bytes: 77, cpu_shares: 1024, processes: 100 }, 'other']);
    assert.deepEqual(first?.['jobs'], [{ id: 3, state: 'running', command: HOSTILE }]);
    assert.deepEqual((first?.['net_in'] as object[])[1], { host_port: 61002, container_port: 80, protocol: 'udp' });
    assert.equal((await warden('inspect', '-f', 'container_ip', 'a', 'b')).stdout, '10.0.0.2\n10.0.0.2\n');
    assert.equal((await warden('inspect', '-f', 'net_in.0.host_port', 'a')).stdout, '61001\n');
    assert.doesNotMatch((await warden('inspect', '-f', 'jobs.0.command', 'a')).stdout, /\u001b/);
    assert.deepEqual(await warden('inspect', '-f', 'constructor', 'a'), { status: 1, stdout: '', stderr: 'warden: a has no constructor; inspect a shows what it has\n' });
    assert.match((await warden('inspect', '-o', 'table', 'a')).stdout, /^handle : a\nstate : active\n/);
  });
});
