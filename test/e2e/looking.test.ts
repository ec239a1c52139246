/* Commands that look, against a server: what they say is what there is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WardenClient } from 'warden-client';
import { useServer } from '../harness/fixture.js';
import { wardenProgram } from '../harness/paths.js';
import { mustRun, runProgram } from '../harness/run-program.js';

const server = useServer();

async function warden(...words: string[]): Promise<string> {
  return mustRun(wardenProgram, ['--socket', server.paths.socket, ...words]);
}

async function json(...words: string[]): Promise<unknown> {
  return JSON.parse(await warden(...words, '-o', 'json')) as unknown;
}

test('containers are listed, inspected, limited and measured', async () => {
  await using client = await WardenClient.connect({ path: server.paths.socket });
  const { handle } = await client.create({ handle: 'looked', labels: [{ key: 'tier', value: 'front' }], graceTime: 60 });
  const { hostPort } = await client.netIn({ handle, containerPort: 80 });
  const { jobId } = await client.spawn({ handle, script: 'exec -a $\'evil\\e[2J\' bash -c "mkfifo fifo; exec 3<>fifo; echo ready; read -u 3"' });
  await using reader = await WardenClient.connect({ path: server.paths.socket });
  for await (const { data } of reader.logs({ handle, jobId, follow: true })) if (Buffer.from(data).includes('ready')) break;
  const [summary] = await json('ps', '-f', 'label=tier=front') as Record<string, unknown>[];
  assert.deepEqual([summary?.['handle'], summary?.['state'], summary?.['labels'], summary?.['jobs']], [handle, 'active', { tier: 'front' }, 1]);
  assert.match(await warden('ps'), new RegExp(`\nlooked .* active +1 +[0-9.]+ +${hostPort}->80/tcp\n`));
  assert.deepEqual(await json('ps', '-f', 'label=tier=back'), []);
  assert.equal(await warden('port', handle, '80'), `${hostPort}\n`);
  const [inspected] = await json('inspect', handle) as { labels: object; limits: { cpu_shares: number }; jobs: { id: number }[] }[];
  assert.deepEqual([inspected?.labels, inspected?.limits.cpu_shares, inspected?.jobs.map(({ id }) => id)], [{ tier: 'front' }, 1024, [jobId]]);
  const limits = await json('limits', '--memory', '64M', '--cpu-shares', '512', handle) as { memory_bytes: number; cpu_shares: number };
  assert.deepEqual([limits.memory_bytes, limits.cpu_shares], [64 << 20, 512]);
  const [stats] = await json('stats', '--no-stream', '--interval', '0.1', handle) as { memory_limit_bytes: number; processes: number; memory_bytes: number }[];
  assert.equal(stats?.memory_limit_bytes, 64 << 20);
  assert.ok((stats?.processes ?? 0) >= 2 && (stats?.memory_bytes ?? 0) > 0);
  const top = await warden('top', handle);
  assert.ok(!top.includes('\u001b') && top.includes('evil\\x1b[2J -c mkfifo'), top);
  await client.destroy({ handle });
});

test('the doctor finds this machine and this server right', async () => {
  const { stdout } = await runProgram(wardenProgram, ['--socket', server.paths.socket, 'doctor', '-o', 'json', '--set', `server.container_rootfs_path=${server.paths.rootfs}`], { timeoutMs: 60_000 });
  const findings = JSON.parse(stdout) as { level: string; text: string }[];
  assert.deepEqual(findings.filter(({ level }) => level === 'fail'), []);
  for (const what of [/^kernel \d/, /^cgroups: /, /^nftables: /, /^native programs: /, /^socket: /, /^server: /]) assert.ok(findings.some(({ text }) => what.test(text)), String(what));
});
