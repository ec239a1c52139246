/* A snapshot that was damaged anywhere is the one that was written, or none: never another. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adoptContainers } from './adopt.js';
import { spawnJob } from './jobs.js';
import { parseSnapshot, sealSnapshot } from './snapshot.js';
import { makeTestContainers } from './test-containers.js';

/** "crc32 01234567" and the end of its line. */
const checksumInBytes = 15;

async function scene() {
  const before = makeTestContainers();
  const healthy = await before.create({ handle: 'healthy' });
  const harmed = await before.create({ handle: 'harmed: "ü"', graceTime: 0xffff_ffff });
  await spawnJob(before.containers, harmed, { handle: harmed.handle, script: '' });
  before.host.living.get(harmed.id)!.emit({ kind: 'output_limit', jobId: 1 });
  return { host: before.host, healthy, harmed, bytes: Buffer.from(before.host.snapshots.get(harmed.id) ?? '') };
}

function* damaged(bytes: Buffer): Generator<[what: string, text: string]> {
  for (let length = 0; length < bytes.length; length++) yield [`cut after ${length} bytes`, bytes.subarray(0, length).toString('utf8')];
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    yield [`bit ${bit & 7} of byte ${bit >> 3} flipped`, flipped.toString('utf8')];
  }
}

test('cut at every byte and with every bit flipped it is none', async () => {
  const { bytes } = await scene();
  assert.ok('snapshot' in parseSnapshot(bytes.toString('utf8')));
  for (const [what, text] of damaged(bytes)) {
    const parsed = parseSnapshot(text);
    assert.ok('reason' in parsed && parsed.newerVersion === undefined, what);
  }
});

test('behind others, damage in it or in one of them costs it, and a cut leaves the one before: never another', async () => {
  const { bytes } = await scene();
  const [document = ''] = bytes.toString('utf8').split('\n');
  const written = [bytes.toString('utf8'), sealSnapshot(document.replace('"grace', ' "grace')), sealSnapshot(document.replace('active', 'stopped'))];
  const states = ['active', 'active', 'stopped'];
  const whole = written.join('');
  for (let length = 0; length <= whole.length; length++) {
    const parsed = parseSnapshot(Buffer.from(whole).subarray(0, length).toString('utf8'));
    const complete = written.filter((_, index) => Buffer.byteLength(written.slice(0, index + 1).join('')) <= length).length;
    assert.equal('snapshot' in parsed ? parsed.snapshot.state : undefined, states[complete - 1], `cut after ${length} bytes`);
  }
  const flipped = Buffer.from(whole);
  for (let bit = 0; bit < flipped.length * 8; bit++) {
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    const parsed = parseSnapshot(flipped.toString('utf8'));
    // The end of the last document alone may look as if its checksum was never written.
    if ('snapshot' in parsed) assert.ok((bit >> 3) === flipped.length - checksumInBytes - 1 && parsed.snapshot.state === 'active', `bit ${bit & 7} of byte ${bit >> 3}`);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
  }
});

test('each such snapshot costs no container anything: the damaged one is left alone, the others are taken over', async () => {
  const { host, healthy, harmed, bytes } = await scene();
  const left = host.leftovers();
  for (const [what, text] of damaged(bytes)) {
    host.snapshots.set(harmed.id, text);
    host.calls.length = 0;
    const { containers } = makeTestContainers(host);
    await adoptContainers(containers);
    assert.deepEqual(containers.handles(), ['healthy'], what);
    assert.equal(containers.get('healthy').network.network, healthy.network.network);
    assert.equal(containers.uids.claim(harmed.identity.uid), undefined, what);
    assert.equal(host.snapshots.get(harmed.id), text, what);
    assert.deepEqual(host.calls.filter((call) => /destroy|remove|discard|write|create/.test(call)), [], what);
  }
  assert.deepEqual(host.leftovers(), left);
});

test('one of version 1, without a checksum, is read', async () => {
  const { bytes } = await scene();
  const [document = ''] = bytes.toString('utf8').split('\n');
  const old = document.replace('"version":2', '"version":1');
  assert.ok('snapshot' in parseSnapshot(`${old}\n`));
  assert.ok('reason' in parseSnapshot(old));
  assert.deepEqual(parseSnapshot(sealSnapshot(document.replace('"version":2', '"version":7'))), { reason: 'version: is not a version of this server', newerVersion: 7 });
});

test('what servers of version 2 do not know makes it version 3, which they refuse to start with; all else stays as they know it', async () => {
  const { host, create } = makeTestContainers();
  const versionOf = ({ id }: { readonly id: string }): unknown => (JSON.parse(host.snapshots.get(id)?.split('\n').at(-3) ?? '') as { version: unknown }).version;
  assert.equal(versionOf(await create()), 2);
  assert.equal(versionOf(await create({ labels: [{ key: 'job', value: '7' }] })), 3);
  assert.equal(versionOf(await create({ ttl: 60 })), 3);
});
