/* Every limit of one container at once: answered, in the kernel, and still so after a kill of the daemon, or of daemon and launcher. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../harness/client.js';
import { output, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { isAlive } from '../harness/processes.js';
import type { Fields } from '../harness/wire.js';

const PIDS_MAX = 40;
const configuration = { server: { container_pids_max: PIDS_MAX, container_rlimits: { nofile: 300 } } };
const server = useServer(configuration);
const MIB = 1n << 20n;

/** What every request that only reads answers, and info. */
async function inForce(client: Client, handle: string): Promise<Fields> {
  const { bandwidth_stat, pids_stat, disk_backend, events } = await client.info(handle);
  return {
    memory: await client.request('limit_memory', { handle }), cpu: await client.request('limit_cpu', { handle }), disk: await client.request('limit_disk', { handle }),
    pids_limit: await client.request('limit_pids', { handle }), bandwidth: bandwidth_stat as unknown as Fields, pids: pids_stat?.max, disk_backend, events,
  };
}

/** The end of a fork, and of a file that grows: what limits them is there, whatever a daemon says. */
async function proveInForce(client: Client, handle: string, waiting: number): Promise<void> {
  assert.equal(output(await client.run(handle, 'ulimit -n')), '300\n');
  const forks = 'use IO::Handle; STDOUT->autoflush; for (1..60) { my $p = fork; if (!defined $p) { print "refused\\n"; last } if (!$p) { sleep 1000; exit } } kill "KILL", -$$';
  assert.equal((await client.run(handle, '', { args: ['setsid', '--wait', 'perl', '-e', forks] })).stdout, 'refused\n');
  const grown = await client.run(handle, 'head -c 40000000 /dev/zero > big; stat -c %s big; rm big');
  assert.match(grown.stderr, /quota exceeded|No space left/);
  assert.ok(Number(grown.stdout) <= Number(8n * MIB));
  // A job of before has the limits that it began with.
  const { stdout } = await client.run(handle, 'while read -r line; do case $line in *"open files"*|*"core file"*) echo $line;; esac; done < /proc/$(cat pid)/limits');
  assert.equal(stdout, 'Max core file size 1 1 bytes\nMax open files 77 77 files\n');
  assert.ok((await client.info(handle)).job_ids.includes(BigInt(waiting)));
}

for (const who of ['wardend', 'wardend and its launcher'] as const) {
  test(`all limits of a container after a kill of ${who}`, async () => {
    const { client, handle } = await server.container();
    await client.request('limit_memory', { handle, limit_in_bytes: 128n * MIB });
    await client.request('limit_cpu', { handle, limit_in_shares: 300n, quota_in_us: 80_000n, period_in_us: 50_000n, cpus: '0' });
    await client.request('limit_disk', { handle, byte_limit: 8n * MIB });
    await client.request('limit_bandwidth', { handle, rate: 2_000_000n, burst: 200_000n });
    const waiting = await client.spawn(handle, 'echo $$ > pid; echo up; exec sleep 1000', { rlimits: { nofile: 77n, nice: 2n ** 63n } });
    const watcher = await server.connect();
    await streamUntil(watcher.stream(handle, waiting), 'up');
    watcher.close();
    const before = await inForce(client, handle);
    assert.deepEqual([before['pids'], before['events']], [BigInt(PIDS_MAX), ['rlimit nice clamped to 0']]);
    await proveInForce(client, handle, waiting);

    const processes = await server.pidsOf(handle);
    if (who !== 'wardend') process.kill(server.daemon.launcherPid, 'SIGKILL');
    await server.restart(configuration, 'SIGKILL');
    assert.deepEqual(processes.filter(isAlive), processes, 'no process was signalled');
    const again = await server.connect();
    assert.deepEqual(await inForce(again, handle), before);
    await proveInForce(again, handle, waiting);

    // Above the limit of memory, with nothing that the kernel could drop instead: the next daemon hears of it, too.
    await again.run(handle, 'exec perl -e \'my $x = "x" x 300_000_000; print length $x\'').catch(() => undefined);
    assert.ok((await again.info(handle)).events.includes('out of memory'));
  });
}
