import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pack, packImage } from './image.js';
import { cell, peerTable } from './peer-table.js';
import { emptyPeerSamples, measureSteps, summarizeSamples } from './samples.js';

const step = (value: number): (() => Promise<number>) => () => Promise.resolve(value);

test('the whole is the sum of the steps, and what was not measured is not there', async () => {
  const samples = emptyPeerSamples();
  for (const factor of [1, 2, 3]) await measureSteps(samples, { create: step(1000 * factor), run: step(100 * factor), destroy: step(10 * factor) });
  const { create, whole } = summarizeSamples(samples);
  assert.deepEqual([create?.median, whole?.median, whole?.maximum], [2000, 2220, 3330]);
  assert.deepEqual(Object.keys(summarizeSamples({ ...emptyPeerSamples(), whole: [5] })), ['whole']);
});

test('a failing step ends a lifecycle, and counts for nothing', async () => {
  const samples = emptyPeerSamples();
  await assert.rejects(measureSteps(samples, { create: step(1), run: () => Promise.reject(new Error('exec failed')), destroy: step(1) }), /exec failed/);
  assert.deepEqual(summarizeSamples(samples), {});
});

test('the table compares with warden, and tells why a row has no figures', () => {
  const figures = (whole: number): object => summarizeSamples({ ...emptyPeerSamples(), whole: [whole] });
  const lines = peerTable([
    { name: 'warden', network: 'veth', ...figures(10_000), helpersInMib: 0.1 }, { name: 'docker', version: '20.10', network: 'bridge', ...figures(500_000), helpersInMib: 0, daemonsInMib: 146 },
    { name: 'crun', version: '1.8', network: 'none', reason: 'a | b\nc' }, { name: 'podman', reason: 'not there' },
  ], 'warden').split('\n');
  assert.match(lines[2] ?? '', /^\| warden \| veth \|  \|  \|  \| 10\.0 \| 10\.0 \| 1\.00 \| 0\.10 MiB \|  \|$/);
  assert.match(lines[3] ?? '', /^\| docker 20\.10 \| bridge \|.*\| 500 \| 500 \| 50\.0 \| none \| 146 MiB \|$/);
  assert.match(lines[4] ?? '', /^\| crun 1\.8 \| none: not measured: a \\\| b c \|/);
  assert.match(lines[5] ?? '', /^\| podman \| not measured: not there \|/);
  assert.ok(cell('x'.repeat(10_000)).length < 500);
});

test('the image has what its index names, and its layer is the archive', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'warden-bench-image-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const at = (name: string): string => join(directory, name);
  mkdirSync(at('rootfs/etc'), { recursive: true });
  writeFileSync(at('rootfs/etc/hello'), 'hello\n');
  pack(at('rootfs'), at('rootfs.tar'));
  packImage(at('rootfs.tar'), at('image.tar'), at('layout'));
  assert.equal(existsSync(at('layout')), false);
  mkdirSync(at('out'));
  assert.equal(spawnSync('tar', ['-xf', at('image.tar'), '-C', at('out')]).status, 0);
  const blob = (digest: string): Buffer => readFileSync(at(`out/blobs/sha256/${digest.replace('sha256:', '')}`));
  for (const name of readdirSync(at('out/blobs/sha256'))) assert.equal(createHash('sha256').update(blob(name)).digest('hex'), name);
  const { manifests: [entry] } = JSON.parse(readFileSync(at('out/index.json'), 'utf8')) as { manifests: { digest: string; annotations: Record<string, string> }[] };
  assert.equal(entry?.annotations['io.containerd.image.name'], 'localhost/warden-bench:latest');
  const { layers: [layer], config } = JSON.parse(blob(entry?.digest ?? '').toString()) as { layers: { digest: string; size: number }[]; config: { digest: string } };
  assert.deepEqual(blob(layer?.digest ?? ''), readFileSync(at('rootfs.tar')));
  const { rootfs } = JSON.parse(blob(config.digest).toString()) as { rootfs: { diff_ids: string[] } };
  assert.deepEqual(rootfs.diff_ids, [layer?.digest]);
  assert.throws(() => { pack(at('nothing'), at('x.tar')); }, /tar of .*nothing/);
});
