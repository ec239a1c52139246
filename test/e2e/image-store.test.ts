/* Images: imported in every form, listed, run, shared, removed. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, watch, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Client } from '../harness/client.js';
import { output, refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { buildBase, configOf, describeLayer, dockerSave, hex, ociLayout, packArchive, packLayer, sha256, type Layer } from '../harness/image-files.js';
import { mustRun } from '../harness/run-program.js';
import { buildRootfs } from '../harness/rootfs.js';
import { END, entry } from '../harness/tar-blocks.js';
import { nextEvent, untilClean } from '../harness/wait.js';

interface Image { id: string; names: string[]; size_bytes: bigint; layers: { diff_id: string; size_bytes: bigint }[]; containers: number; created_ms?: bigint }

const server = useServer({ images: { max_extracted_size: 200_000_000, max_entries: 5000 } }, prepare);
const place = (name: string): string => join(server.slot.directory, 'made', name);
const depot = (...parts: string[]): string => join(server.paths.depot, 'images', ...parts);

/** The lower layer is the base; the upper one changes it in every way that a layer can. */
let base: Layer;
let upper: Layer;
const settings = { Env: ['GREETING=from the image', 'PATH=/opt/bin:/bin'], User: 'app:app', WorkingDir: '/srv/data', Entrypoint: ['/bin/cat'], Cmd: ['/etc/which'] };

async function prepare(): Promise<void> {
  const lower = place('lower');
  await buildBase(lower);
  writeFileSync(join(lower, 'etc/which'), 'lower\n');
  for (const name of ['gone/file', 'cleared/old', 'kept/file', 'replaced/old']) {
    mkdirSync(join(lower, name, '..'), { recursive: true });
    writeFileSync(join(lower, name), 'lower\n');
  }
  const change = place('upper');
  for (const name of ['etc', 'gone', 'cleared', 'kept', 'srv/data', 'opt/bin']) mkdirSync(join(change, name), { recursive: true });
  writeFileSync(join(change, 'etc/which'), 'upper\n');
  writeFileSync(join(change, 'gone/.wh.file'), '');
  writeFileSync(join(change, 'cleared/.wh..wh..opq'), '');
  writeFileSync(join(change, 'cleared/new'), 'upper\n');
  writeFileSync(join(change, '.wh.replaced'), '');
  symlinkSync('/etc/which', join(change, 'replaced'));
  writeFileSync(join(change, 'srv/data/owned'), 'x');
  await mustRun('chown', ['1234:1235', join(change, 'srv/data'), join(change, 'srv/data/owned')]);
  writeFileSync(join(change, 'opt/bin/tool'), '#!/bin/bash\necho tool\n', { mode: 0o755 });
  base = await packLayer(lower, place('lower.tar'), 'gzip');
  upper = await packLayer(change, place('upper.tar'), 'zstd');
  ociLayout(place('oci'), [{ name: 'demo:v1', config: configOf([base, upper], settings), layers: [base, upper] }]);
}

async function imported(client: Client, path: string, name?: string): Promise<Image[]> {
  return (await client.request('image_import', { path, ...(name === undefined ? {} : { name }) }))['images'] as unknown as Image[];
}

async function images(client: Client): Promise<Image[]> {
  return (await client.request('image_list'))['images'] as unknown as Image[];
}

/** A connection to a store that has nothing. */
async function fresh(): Promise<Client> {
  const client = await server.connect();
  await removeAll(client);
  return client;
}

async function removeAll(client: Client): Promise<void> {
  for (const { id } of await images(client)) await client.request('image_remove', { name: id });
}

test('an image layout is imported, and a container of it is what its layers say', async () => {
  const client = await fresh();
  const [image] = await imported(client, place('oci'));
  assert.ok(image);
  assert.deepEqual([image.id, image.names, image.layers.map(({ diff_id: id }) => id), image.created_ms], [sha256(configOf([base, upper], settings)), ['demo:v1'], [base.diffId, upper.diffId], 1767323045000n]);
  const { handle } = await server.container({ rootfs: 'image:demo:v1' });
  const script = 'cat /etc/which; ls /gone /cleared /kept; cat /replaced; stat -c "%u:%g %a" /srv/data /srv/data/owned /tmp; id -u';
  assert.equal(output(await client.run(handle, script, { privileged: true })), 'upper\n/cleared:\nnew\n\n/gone:\n\n/kept:\nfile\nupper\n1234:1235 755\n1234:1235 644\n0:0 1777\n0\n');
  // The layers stay as they are.
  assert.equal(output(await client.run(handle, 'echo changed >/etc/which; rm /kept/file; cat /etc/which', { privileged: true })), 'changed\n');
  const other = await server.container({ rootfs: `image:${image.id.slice(0, 20)}` });
  assert.equal(output(await other.client.run(other.handle, 'cat /etc/which /kept/file')), 'upper\nlower\n');
  assert.equal((await images(client))[0]?.containers, 2);
});

test('a job that names its program has the image\'s environment, user and working directory; a script has vcap\'s', async () => {
  const client = await fresh();
  await imported(client, place('oci'));
  const { handle } = await server.container({ rootfs: 'image:demo:v1' });
  const argv = async (args: string[], options: object = {}): Promise<string> => output(await client.run(handle, '', { args, ...options }));
  assert.equal(await argv(['/bin/bash', '-c', 'echo $GREETING; id -u; id -g; pwd; echo $HOME $PATH; tool']), 'from the image\n1234\n1235\n/srv/data\n/srv /opt/bin:/bin\ntool\n');
  assert.equal(await argv(['/bin/bash', '-c', 'echo $GREETING; id -u; pwd'], { env: ['GREETING=mine'], user: 'vcap', cwd: '/etc' }), `mine\n${output(await client.run(handle, 'id -u'))}/etc\n`);
  assert.equal(await argv(['/bin/bash', '-c', 'echo $GREETING; id -u; pwd'], { privileged: true }), 'from the image\n0\n/srv/data\n');
  assert.equal(output(await client.run(handle, 'echo -$GREETING-; pwd')), '--\n/home/vcap\n');
});

test('what docker save writes, as a file and compressed, with a layer that is a link to another', async () => {
  const client = await fresh();
  const directory = place('saved');
  dockerSave(directory, [{ names: ['first:1', 'first:latest'], config: configOf([base, upper]), layers: [base, upper] }, { names: ['second:latest'], config: configOf([base]), layers: [base] }]);
  // So did docker with a layer that two images have.
  rmSync(join(directory, hex(upper.diffId)), { recursive: true });
  mkdirSync(join(directory, hex(upper.diffId)));
  writeFileSync(join(directory, 'shared.tar'), readFileSync(upper.path));
  symlinkSync('../shared.tar', join(directory, hex(upper.diffId), 'layer.tar'));
  await packArchive(directory, place('saved.tar'));
  await mustRun('gzip', ['-1', place('saved.tar')]);
  assert.deepEqual((await imported(client, place('saved.tar.gz'))).map(({ names }) => names), [['first:1', 'first:latest'], ['second:latest']]);
  assert.deepEqual(readdirSync(depot('layers')).sort(), [hex(base.diffId), hex(upper.diffId)].sort());
  const { handle } = await server.container({ rootfs: 'image:second' });
  assert.equal(output(await client.run(handle, 'cat /etc/which')), 'lower\n');
  await refused(imported(client, place('saved.tar.gz'), 'one:name'), 'invalid_argument', /has 2 images/);
});

test('an image layout in an archive, and a plain root file system, which needs a name', async () => {
  const client = await fresh();
  await packArchive(place('oci'), place('oci.tar'));
  assert.deepEqual((await imported(client, place('oci.tar'), 'localhost:5000/team/demo'))[0]?.names, ['localhost:5000/team/demo:latest']);
  await mustRun('tar', ['--zstd', '-cf', place('root.tar.zst'), '-C', place('lower'), '.']);
  await refused(imported(client, place('root.tar.zst')), 'invalid_argument', /give one/);
  const [plain] = await imported(client, place('root.tar.zst'), 'plain');
  assert.equal(plain?.layers.length, 1);
  const { handle } = await server.container({ rootfs: 'image:plain' });
  assert.equal(output(await client.run(handle, 'cat /etc/which')), 'lower\n');
  // Once more is the same image.
  assert.equal((await imported(client, place('root.tar.zst'), 'plain'))[0]?.id, plain?.id);
});

test('a name moves to the image that takes it; an image goes with its last name, its layers with the last that needs them', async () => {
  const client = await fresh();
  const [first] = await imported(client, place('oci'));
  await mustRun('tar', ['-cf', place('root.tar'), '-C', place('lower'), './etc', './tmp']);
  const [second] = await imported(client, place('root.tar'), 'demo:v1');
  assert.deepEqual((await images(client)).map(({ id, names }) => [id, names]).sort(), [[first?.id, []], [second?.id, ['demo:v1']]].sort());
  await imported(client, place('oci'), 'other');
  assert.deepEqual(await client.request('image_remove', { name: 'demo:v1' }), { untagged: ['demo:v1'], removed: second?.id });
  await imported(client, place('oci'), 'third:x');
  assert.deepEqual(await client.request('image_remove', { name: 'other' }), { untagged: ['other:latest'] });
  assert.equal(readdirSync(depot('layers')).length, 2);
  assert.deepEqual(await client.request('image_remove', { name: hex(first?.id ?? '').slice(0, 12) }), { untagged: ['third:x'], removed: first?.id });
  assert.deepEqual([readdirSync(depot('layers')), readdirSync(depot('records'))], [[], []]);
  await refused(client.request('image_remove', { name: 'third:x' }), 'not_found', /^image third:x not found$/);
  await refused(client.request('image_inspect', { name: 'demo:v1' }), 'not_found', /^image demo:v1 not found$/);
  await refused(client.create({ rootfs: 'image:demo:v1' }), 'not_found', /^rootfs image:demo:v1 not found$/);
});

test('an image of a living container stays, and its layers stay with a name that has moved on', async () => {
  const client = await fresh();
  const [image] = await imported(client, place('oci'));
  const { handle } = await server.container({ rootfs: 'image:demo:v1', handle: 'image-user' });
  await refused(client.request('image_remove', { name: 'demo:v1' }), 'wrong_state', /a container is made of it \(image-user\)/);
  assert.equal(output(await client.run(handle, 'cat /etc/which /kept/file')), 'upper\nlower\n');
  await client.destroy(handle);
  assert.deepEqual(await client.request('image_remove', { name: 'demo:v1' }), { untagged: ['demo:v1'], removed: image?.id });
});

test('accounts are those that the image shows: not of a directory that a layer covers, or of a file that it takes away', async () => {
  const client = await fresh();
  const layerWith = async (name: string, ...entries: Buffer[]): Promise<Layer> => {
    writeFileSync(place(name), Buffer.concat([entry({ name: 'etc/', type: '5', mode: 0o755 }), ...entries, END]));
    return await describeLayer(place(name), 'none');
  };
  const middle = await layerWith('accounts.tar', entry({ name: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/bash\nmiddle:x:777:777::/:/bin/bash\n' }));
  const [covering, removing, neither] = [await layerWith('covering.tar', entry({ name: 'etc/.wh..wh..opq' })), await layerWith('removing.tar', entry({ name: 'etc/.wh.passwd' })), await layerWith('neither.tar')];
  for (const [upmost, seen] of [[covering, false], [removing, false], [neither, true]] as const) {
    const layers = [base, middle, upmost];
    rmSync(place('accounts'), { recursive: true, force: true });
    ociLayout(place('accounts'), [{ name: 'accounts', config: configOf(layers), layers }]);
    await imported(client, place('accounts'));
    const { handle } = await server.container({ rootfs: 'image:accounts' });
    assert.equal(output(await client.run(handle, 'cat /etc/passwd')).includes('middle:'), seen, upmost.path);
    await client.destroy(handle);
  }
  await removeAll(client);
});

/** Before, overlayfs takes layers in one text of 255 bytes only. */
function takesManyLayers(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 7);
}

test('an image has up to 128 layers, and a container of it all of them in their order', async () => {
  const client = await fresh();
  const most = takesManyLayers() ? 129 : 90;
  const layers = [base];
  for (let number = 1; number < most; number++) {
    const path = place(`layer-${number}.tar`);
    const removed = number === 100 ? [entry({ name: 'many/.wh.7' })] : [];
    writeFileSync(path, Buffer.concat([entry({ name: 'many/', type: '5', mode: 0o755 }), entry({ name: `many/${number}` }), entry({ name: 'many/top', content: String(number) }), ...removed, END]));
    layers.push(await describeLayer(path, 'none'));
  }
  for (const count of [17, 88, 89, 128].filter((each) => each < most)) {
    const some = layers.slice(0, count);
    ociLayout(place(`many-${count}`), [{ name: `many:${count}`, config: configOf(some), layers: some }]);
    await imported(client, place(`many-${count}`));
    if (count > 88 && !takesManyLayers()) {
      await refused(client.create({ rootfs: `image:many:${count}` }), 'unsupported', /89 layers.*at most 88 layers/);
      await removeAll(client);
      return;
    }
    const { handle } = await server.container({ rootfs: `image:many:${count}` });
    const expected = Array.from({ length: count - 1 }, (_, index) => index + 1).filter((number) => number !== 7 || count < 100);
    const [top, ...found] = output(await client.run(handle, 'echo $(</many/top); cd /many; for file in [0-9]*; do echo $file; done')).trim().split('\n');
    assert.deepEqual([top, found.map(Number).sort((one, other) => one - other)], [String(count - 1), expected]);
    await client.destroy(handle);
  }
  ociLayout(place('many-129'), [{ name: 'many:129', config: configOf(layers), layers }]);
  await refused(imported(client, place('many-129')), 'invalid_argument', /more than 128 layers/);
  const mounts = Array.from({ length: 70 }, (_, index) => ({ src_path: place('lower'), dst_path: `/mnt/${index}`, mode: 0 }));
  await refused(client.create({ rootfs: 'image:many:128', bind_mounts: mounts }), 'invalid_argument', /128 layers and 70 mounts are too many/);
  await removeAll(client);
});

test('images, and what containers are made of, are known after the daemon was killed', async () => {
  const client = await fresh();
  await imported(client, place('oci'));
  const { handle } = await server.container({ rootfs: 'image:demo:v1' });
  mkdirSync(depot('staging/new-1-1/root'), { recursive: true });
  mkdirSync(depot('layers', 'f'.repeat(64), 'root'), { recursive: true });
  await server.stop('SIGKILL');
  await server.start();
  const after = await server.connect();
  assert.deepEqual((await images(after)).map(({ names, containers }) => [names, containers]), [[['demo:v1'], 1]]);
  await refused(after.request('image_remove', { name: 'demo:v1' }), 'wrong_state', /made of it/);
  assert.equal(output(await after.run(handle, '', { args: ['/bin/bash', '-c', 'echo $GREETING; cat /etc/which'] })), 'from the image\nupper\n');
  // What was begun, and what nobody needs, is on its way out.
  assert.deepEqual(readdirSync(depot('layers')).sort(), [hex(base.diffId), hex(upper.diffId)].sort());
  await after.destroy(handle);
  await removeAll(after);
});

test('what is not what it says is refused, and nothing of it is kept', async () => {
  const client = await fresh();
  const config = configOf([base, upper]);
  const cases: [string, (directory: string) => void, RegExp][] = [
    ['another layer', (at) => writeFileSync(join(at, 'blobs/sha256', hex(upper.digest)), readFileSync(base.path)), /a layer is not what it should be/],
    ['a damaged layer', (at) => truncateSync(join(at, 'blobs/sha256', hex(base.digest)), 1000), /cannot be read/],
    ['a missing layer', (at) => rmSync(join(at, 'blobs/sha256', hex(base.digest))), /lacks/],
    ['another configuration', (at) => writeFileSync(join(at, 'blobs/sha256', hex(sha256(config))), configOf([base])), /is sha256/],
    ['a layer that leads out', (at) => { rmSync(join(at, 'blobs/sha256', hex(base.digest))); symlinkSync('/etc/passwd', join(at, 'blobs/sha256', hex(base.digest))); }, /leads out/],
    ['an index that is none', (at) => writeFileSync(join(at, 'index.json'), '{}'), /index\.json/],
    ['another machine', (at) => { rmSync(at, { recursive: true }); ociLayout(at, [{ name: 'x:1', config, layers: [base, upper], platform: { os: 'plan9', architecture: 'pdp11' } }]); }, /no image for linux/],
  ];
  for (const [what, spoil, message] of cases) {
    const directory = place('spoilt');
    rmSync(directory, { recursive: true, force: true });
    ociLayout(directory, [{ name: 'spoilt:1', config, layers: [base, upper] }]);
    spoil(directory);
    await refused(imported(client, directory), 'invalid_argument', message).catch((error: unknown) => { throw new Error(`${what}: ${String(error)}`, { cause: error }); });
    assert.deepEqual([readdirSync(depot('layers')), readdirSync(depot('records')), await images(client)], [[], [], []], what);
  }
  for (const [path, code, message] of [['/nonexistent', 'not_found', /not found/], ['/dev/zero', 'invalid_argument', /regular file/], [place('lower'), 'invalid_argument', /neither an image layout/], ['/etc/passwd', 'invalid_argument', /no tar archive|cut off/]] as const) {
    await refused(imported(client, path, 'x'), code, message);
  }
  await mustRun('bash', ['-c', 'head -c 300000000 /dev/zero >"$0"; tar -czf "$1" -C / "${0#/}"; rm "$0"', place('zeros'), place('zeros.tar.gz')]);
  await refused(imported(client, place('zeros.tar.gz'), 'x'), 'invalid_argument', /beyond a limit \(images\.max_extracted_size/);
  assert.deepEqual(readdirSync(depot('layers')), []);
});

test('an import is given up when its client goes, and nothing of it is left', async () => {
  const looking = await fresh();
  const going = await server.connect();
  await mustRun('bash', ['-c', 'head -c 190000000 /dev/urandom >"$0"; tar -cf "$1" -C "${0%/*}" random; rm "$0"', place('random'), place('random.tar')]);
  // The first word of progress is an answer: it is being unpacked.
  await going.request('image_import', { path: place('random.tar'), name: 'given:up', progress: true });
  going.close();
  await untilClean(() => readdirSync(depot('staging')), () => {
    const watcher = watch(depot('staging'));
    return nextEvent(watcher, 'change', () => watcher.close());
  }, 20_000);
  assert.deepEqual([await images(looking), readdirSync(depot('layers')), readdirSync(depot('records'))], [[], [], []]);
});

test('a directory has a name until that is taken away', async () => {
  const client = await fresh();
  const directory = place('named');
  await buildRootfs(directory, { change: (at) => writeFileSync(`${at}/etc/which`, 'named\n') });
  await client.request('rootfs_set', { name: 'base-1', path: directory });
  await refused(client.request('rootfs_set', { name: 'base-1', path: '/tmp' }), 'exists', /stands for/);
  await refused(client.request('rootfs_set', { name: '../x', path: directory }), 'invalid_argument', /cannot name/);
  await refused(client.request('rootfs_set', { name: 'depot', path: server.paths.depot }), 'invalid_argument', /cannot be used/);
  const { handle } = await server.container({ rootfs: 'base-1' });
  assert.equal(output(await client.run(handle, 'cat /etc/which')), 'named\n');
  await server.stop('SIGKILL');
  await server.start();
  const after = await server.connect();
  assert.deepEqual((await after.request('rootfs_list'))['rootfs'], [{ name: 'base-1', path: directory }]);
  await after.request('rootfs_set', { name: 'base-1', remove: true });
  await refused(after.create({ rootfs: 'base-1' }), 'not_found', /^rootfs base-1 not found$/);
  await after.destroy(handle);
});
