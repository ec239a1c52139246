/* Images pulled by a running daemon from Debian's docker-registry: by the command line, by clients and by a create, and what becomes of a pull that is cut off. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { WardenClient, type ImageProgress } from 'warden-client';
import { DockerRegistry } from '../harness/docker-registry.js';
import { output, refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { dockerSave, packArchive } from '../harness/image-files.js';
import { repository } from '../harness/paths.js';
import { RegistryDoor } from '../harness/registry-door.js';
import { mustRun, runProgram } from '../harness/run-program.js';
import { layerOfFiles, sha256, smallImage, type SmallImage, type SmallLayer } from '../harness/small-image.js';
import { untilSeen, withDeadline } from '../harness/wait.js';

/** As create's field `pull` has them. */
const [ALWAYS, NEVER] = [1, 2];
/** alice, correct horse: bcrypt is what docker-registry takes. */
const passwords = 'alice:$2b$04$2nZ8SwCzeFCT7Fsgy32ld.h24MO90xGHFRod2ChSgSqf5d1rZI5Ha\n';
const alice = Buffer.from('alice:correct horse').toString('base64');

let registry: DockerRegistry;
let door: RegistryDoor;
let image: SmallImage;
let middle: SmallLayer;
const server = useServer({}, async () => {
  mkdirSync(made());
  registry = await DockerRegistry.start({ directory: made('registry') });
  door = await RegistryDoor.open(registry.port);
  middle = await layerOfFiles({ 'etc/which': 'middle\n', 'srv/gone': '', 'srv/kept': '', 'cleared/old': '' });
  const upper = await layerOfFiles({ 'etc/which': 'upper\n', 'srv/.wh.gone': '', 'cleared/.wh..wh..opq': '', 'cleared/new': '', 'work/file': '' });
  image = await smallImage([middle, upper], { Env: ['GREETING=from the image', 'PATH=/bin'], User: 'server', WorkingDir: '/work' });
  await registry.push('team/app', 'v1', image);
});
after(async () => {
  await door?.close();
  await registry?.close();
});

const made = (...parts: string[]): string => join(server.slot.directory, 'made', ...parts);
const images = (...parts: string[]): string => join(server.paths.depot, 'images', ...parts);
const short = (digest: string): string => digest.slice(7, 15);
const blobsOf = ({ layers, config }: SmallImage): string[] => [sha256(config), ...layers.map(({ digest }) => digest)].map(short).sort();

async function warden(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<string> {
  return await mustRun(process.execPath, [join(repository, 'bin/warden'), '--socket', server.paths.socket, '--', ...words], { env: { PATH: process.env['PATH'], DOCKER_CONFIG: made('nothing'), ...environment } });
}

async function removeAll(): Promise<void> {
  const client = await server.connect();
  for (const { id } of (await client.request('image_list'))['images'] as { id: string }[]) await client.request('image_remove', { name: id });
  assert.deepEqual([readdirSync(images('layers')), readdirSync(images('records')), readdirSync(images('incoming'))], [[], [], []]);
  door.requests.length = 0;
}

test('pulled by the command line, run under both its names, known after the daemon was killed, and removed', async () => {
  await removeAll();
  const name = `${door.host}/team/app:v1`;
  const id = sha256(image.config);
  assert.equal(await warden(['image', 'pull', name]), `${name}  ${id}\n`);
  assert.deepEqual(door.blobs().sort(), blobsOf(image));
  assert.match(await warden(['image', 'ls']), new RegExp(`^NAME .*\n${name.replaceAll('.', '\\.')} +${id.slice(7, 19)} +2024-01-02 +\\d+\\.\\d MiB +0\n$`));
  const inspected = JSON.parse(await warden(['image', 'inspect', name])) as { source: string; config: unknown };
  assert.equal(inspected.source, `docker://${name}`);
  assert.deepEqual(inspected.config, JSON.parse(image.config.toString()));

  door.requests.length = 0;
  const script = 'echo $GREETING; id -u; pwd; cat /etc/which; ls /srv /cleared /work';
  const expected = 'from the image\n700\n/work\nupper\n/cleared:\nnew\n\n/srv:\nkept\n\n/work:\nfile\n';
  for (const [handle, rootfs] of [['pull-image', `image:${name}`], ['pull-docker', `docker://${name}`]] as const) {
    assert.equal(await warden(['create', '--handle', handle, '--rootfs', rootfs]), `handle : ${handle}\n`);
    server.handles.add(handle);
    assert.equal(await warden(['run', '--handle', handle, '--args', 'bash', '--args=-c', '--args', script]), expected);
  }
  assert.deepEqual(door.requests, [], 'what is there is not asked for');

  await server.stop('SIGKILL');
  await server.start();
  for (const handle of ['pull-image', 'pull-docker']) {
    assert.equal(await warden(['run', '--handle', handle, '--args', 'bash', '--args=-c', '--args', script]), expected);
    await assert.rejects(warden(['image', 'rm', name]), /(?:a container is|2 containers are) made of it/);
    await warden(['destroy', '--handle', handle]);
  }
  assert.equal(await warden(['image', 'rm', name]), `untagged ${name}\nremoved ${id}\n`);
  assert.equal((await warden(['image', 'ls'])).split('\n').length, 2);
  await removeAll();
});

test('warden run fetches an image that is missing, runs its own command, and is what people know of entry points', async () => {
  await removeAll();
  const name = `${door.host}/team/command:v1`;
  const own = await smallImage([middle], { Env: ['PATH=/bin', 'GREETING=hello'], Entrypoint: ['bash', '-c'], Cmd: ['echo $GREETING; exit 3'], User: 'server', WorkingDir: '/srv' });
  await registry.push('team/command', 'v1', own);
  const run = async (...words: string[]): ReturnType<typeof runProgram> =>
    await runProgram(process.execPath, [join(repository, 'bin/warden'), '--socket', server.paths.socket, 'run', '--rm', ...words], { env: { PATH: process.env['PATH'], DOCKER_CONFIG: made('nothing') } });
  const refusedRun = await run('--pull=never', name);
  assert.deepEqual([refusedRun.status, refusedRun.stdout], [125, '']);
  const first = await run(name);
  assert.deepEqual([first.status, first.stdout], [3, 'hello\n']);
  assert.match(first.stderr, /layers, .* MiB/);
  door.requests.length = 0;
  assert.deepEqual(await run(name, 'id -u; pwd'), { status: 0, signal: null, stdout: '700\n/srv\n', stderr: '' });
  assert.equal((await run('--entrypoint', 'cat', name, '/etc/which')).stdout, 'middle\n');
  assert.equal((await run('--entrypoint=', '-u', 'root', '-w', '/', name, '--', 'bash', '-c', 'id -u; pwd')).stdout, '0\n/\n');
  assert.deepEqual(door.requests, [], 'what is there is not asked for');
  assert.equal((await run('--pull', 'always', name)).stdout, 'hello\n');
  assert.notEqual(door.requests.length, 0);
  assert.equal((await run(`${door.host}/team/nothing`)).status, 125);
  await removeAll();
});

test('a create fetches what is missing, or always, or never; a tag that has moved is another image', async () => {
  await removeAll();
  const client = await server.connect();
  const rootfs = `docker://${door.host}/team/moving`;
  await registry.push('team/moving', 'latest', image);
  await refused(client.request('create', { rootfs, pull: NEVER }), 'not_found', /team\/moving:latest not found, and it is not to be pulled/);
  assert.deepEqual(door.requests, []);
  await refused(client.request('create', { rootfs: `${rootfs}:none` }), 'not_found', /manifests none: not found there/);
  const which = async (fields: object): Promise<string> => {
    const handle = String((await client.request('create', { rootfs, ...fields }))['handle']);
    server.handles.add(handle);
    return output(await client.run(handle, 'cat /etc/which'));
  };
  assert.equal(await which({}), 'upper\n');
  const next = await smallImage([middle]);
  await registry.push('team/moving', 'latest', next);
  door.requests.length = 0;
  assert.equal(await which({}), 'upper\n');
  assert.equal(await which({ pull: NEVER }), 'upper\n');
  assert.deepEqual(door.requests, []);
  assert.equal(await which({ pull: ALWAYS }), 'middle\n');
  assert.deepEqual(door.blobs(), [short(sha256(next.config))], 'its layers were there');
  assert.equal(await which({}), 'middle\n');
  // The first image has lost its name, and lives as long as its containers.
  const listed = (await client.request('image_list'))['images'] as { id: string; names: string[]; containers: number }[];
  assert.deepEqual(listed.map(({ id, names, containers }) => [id, names, containers]).sort(), [[sha256(image.config), [], 3], [sha256(next.config), [`${door.host}/team/moving:latest`], 2]].sort());
  await server.destroyAll();
  await removeAll();
});

test('layers that images share are fetched once, also by pulls at the same time', async () => {
  await removeAll();
  const other = await smallImage([middle, await layerOfFiles({ 'etc/which': 'other\n' })]);
  await registry.push('team/other', 'v1', other);
  await using client = await WardenClient.connect({ path: server.paths.socket });
  await using second = await WardenClient.connect({ path: server.paths.socket });
  const seen: ImageProgress[] = [];
  const pulled = await Promise.all([
    client.images.pull({ reference: `${door.host}/team/app:v1` }, { onProgress: (progress) => seen.push(progress) }),
    second.images.pull({ reference: `${door.host}/team/other:v1` }),
  ]);
  assert.deepEqual(pulled.map(({ image: one }) => one?.id), [sha256(image.config), sha256(other.config)]);
  assert.deepEqual(door.blobs().sort(), [...new Set([...blobsOf(image), ...blobsOf(other)])].sort());
  assert.deepEqual([...new Set(seen.filter(({ step }) => step === 'done' || step === 'present').map(({ item }) => item))].sort(), image.layers.map(({ digest }) => digest).sort());
  await removeAll();
});

test('a pull whose client goes, and one whose daemon is killed, are gone on with', async () => {
  await removeAll();
  // Two mebibytes that no compression makes smaller.
  const noise = Buffer.concat(Array.from({ length: 65_536 }, (_, index) => Buffer.from(sha256(Buffer.from(String(index))).slice(7), 'hex')));
  const layer = await layerOfFiles({ 'srv/noise': noise });
  const large = await smallImage([layer]);
  await registry.push('team/large', 'v1', large);
  const reference = `${door.host}/team/large:v1`;
  const url = (): (string | undefined)[] => door.requests.filter((request) => request.url.includes(layer.digest)).map(({ range }) => range);

  /** Begins a pull that stands still, and waits until something of the layer has been written. */
  const begin = async (abort: AbortController): Promise<{ failed: Promise<unknown> }> => {
    const client = await WardenClient.connect({ path: server.paths.socket });
    let failed: Promise<unknown> = Promise.resolve();
    await withDeadline(new Promise<void>((resolve) => {
      const onProgress = ({ item, step, doneBytes }: ImageProgress): void => { if (item === layer.digest && step === 'downloading' && (doneBytes ?? 0n) > 0n) resolve(); };
      failed = client.images.pull({ reference }, { onProgress, signal: abort.signal }).then(() => assert.fail('the pull has ended'), (error: unknown) => error).finally(() => client.close());
    }), 20_000, 'the layer to come');
    return { failed };
  };

  door.holdAfterInBytes = 600_000;
  const abort = new AbortController();
  const first = await begin(abort);
  abort.abort();
  await first.failed;
  assert.deepEqual(url(), [undefined]);
  const second = await begin(new AbortController());
  await server.stop('SIGKILL');
  await second.failed;
  await server.start();
  door.holdAfterInBytes = undefined;
  assert.match(await warden(['image', 'pull', reference]), /^\S+  sha256:/);
  const begins = url().map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')?.[1]));
  assert.equal(begins.length, 3);
  assert.ok(begins.every((start, index) => start > (begins[index - 1] ?? -1)), begins.join(' '));
  const { client, handle } = await server.container({ rootfs: `image:${reference}` });
  assert.equal(sha256((await client.run(handle, 'cat /srv/noise')).out), sha256(noise));
  await client.destroy(handle);
  await removeAll();
});

test('a create whose client goes while its image comes makes nothing, and a server that ends does not wait for it', async () => {
  await removeAll();
  const layer = await layerOfFiles({ 'srv/noise': Buffer.from(Array.from({ length: 100_000 }, (_, index) => sha256(Buffer.from(String(index))).slice(7, 9)).join(''), 'hex') });
  await registry.push('team/held', 'v1', await smallImage([layer]));
  const isAsked = (times: number): Promise<void> => untilSeen('the layer asked for', () => door.requests.filter(({ url }) => url.includes(layer.digest)).length === times, () => door.blobs().join(' '));
  door.holdAfterInBytes = 10_000;
  const going = await server.connect();
  const failed = going.request('create', { rootfs: `docker://${door.host}/team/held:v1`, handle: 'pull-gone' }).then(() => assert.fail('the create has ended'), () => undefined);
  await isAsked(1);
  going.close();
  await failed;
  const looking = await server.connect();
  assert.deepEqual(await looking.list(), []);
  const second = await server.connect();
  const cutOff = assert.rejects(second.request('create', { rootfs: `docker://${door.host}/team/held:v1`, handle: 'pull-gone' }), /the server closed the connection/);
  await isAsked(2);
  const ended = server.endOf(10_000);
  server.daemon.child.kill('SIGTERM');
  await cutOff;
  assert.equal(await ended, 0);
  door.holdAfterInBytes = undefined;
  await server.start();
  const handle = await (await server.connect()).create({ rootfs: `docker://${door.host}/team/held:v1` });
  server.handles.add(handle);
  await server.destroyAll();
  await removeAll();
});

test('credentials of docker\'s configuration open a registry, for pulls and creates, and are nowhere afterwards', async () => {
  await removeAll();
  writeFileSync(made('passwords'), passwords);
  const closed = await DockerRegistry.start({ directory: made('closed'), auth: { htpasswd: { realm: 'of the test', path: made('passwords') } } });
  try {
    await closed.push('team/app', 'v1', image, `Basic ${alice}`);
    const name = `${closed.host}/team/app:v1`;
    await assert.rejects(warden(['image', 'pull', name]), /asks for a user name and a password/);
    mkdirSync(made('docker'));
    writeFileSync(made('docker/config.json'), JSON.stringify({ auths: { [closed.host]: { auth: alice } } }));
    const environment = { DOCKER_CONFIG: made('docker') };
    await warden(['create', '--handle', 'pull-closed', '--rootfs', `docker://${name}`], environment);
    server.handles.add('pull-closed');
    assert.match(await warden(['image', 'pull', name], environment), /^\S+  sha256:/);
    const search = async (text: string): Promise<number | null> => (await runProgram('grep', ['-rqaF', '-D', 'skip', '-e', text, images(), join(server.paths.depot, 'containers'), server.paths.log])).status;
    assert.deepEqual([await search('pull-closed'), await search('correct horse'), await search(alice)], [0, 1, 1]);
    await warden(['destroy', '--handle', 'pull-closed']);
  } finally {
    await closed.close();
  }
  await removeAll();
});

test('the three lines of README', async () => {
  await removeAll();
  const [, block = ''] = /^## Images\n[^]*?^```console\n([^]*?)^```$/m.exec(readFileSync(join(repository, 'README.md'), 'utf8')) ?? [];
  const lines = block.split('\n').filter((line) => line.startsWith('$ ')).map((line) => line.slice(2));
  assert.equal(lines.length, 3);
  const directory = made('clone');
  mkdirSync(directory);
  symlinkSync(join(repository, 'bin'), join(directory, 'bin'));
  const layers = image.layers.map(({ compressed, digest, diffId }, index) => {
    const path = made(`layer-${index}.tar.gz`);
    writeFileSync(path, compressed);
    return { path, digest, diffId, compression: 'gzip' as const };
  });
  dockerSave(made('saved'), [{ names: ['app:v1'], config: image.config.toString(), layers }]);
  await packArchive(made('saved'), join(directory, 'app.tar'));
  const said: string[] = [];
  for (const line of lines) {
    said.push(await mustRun('bash', ['-c', line.replaceAll('localhost:5000', door.host)], { cwd: directory, env: { PATH: process.env['PATH'], WARDEN_SOCKET: server.paths.socket, DOCKER_CONFIG: made('nothing') } }));
  }
  const id = sha256(image.config);
  assert.deepEqual(said, [`app:v1  ${id}\n`, `app:v1 ${door.host}/team/app:v1  ${id}\n`, 'uid=700(server) gid=700(server) groups=700(server)\n']);
  await removeAll();
});
