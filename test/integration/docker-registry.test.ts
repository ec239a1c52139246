/* The registry process against Debian's docker-registry: what it resolves and fetches, how it says who it is, and how it goes on where it was broken off. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { makeCertificate } from '../harness/certificate.js';
import { DockerRegistry } from '../harness/docker-registry.js';
import { repository } from '../harness/paths.js';
import { RegistryDoor } from '../harness/registry-door.js';
import { TokenService } from '../harness/token-service.js';
import { layerOfTar, sha256, smallImage, type SmallImage } from '../harness/small-image.js';

// What the server is made of is no part of what its package exports.
const built = (path: string): Promise<unknown> => import(pathToFileURL(join(repository, 'packages/server/dist', path)).href);
const { LinuxRegistry } = (await built('host/linux/registry-process.js')) as typeof import('../../packages/server/src/host/linux/registry-process.js');
const { systemClock } = (await built('lib/timer.js')) as typeof import('../../packages/server/src/lib/timer.js');
const { silentLog } = (await built('lib/log.js')) as typeof import('../../packages/server/src/lib/log.js');

/** alice, correct horse: bcrypt is what docker-registry takes. */
const passwords = 'alice:$2b$04$2nZ8SwCzeFCT7Fsgy32ld.h24MO90xGHFRod2ChSgSqf5d1rZI5Ha\n';
const alice: { readonly username: string | undefined; readonly password: string | undefined; readonly identityToken: string | undefined } = { username: 'alice', password: 'correct horse', identityToken: undefined };
const authorization = `Basic ${Buffer.from('alice:correct horse').toString('base64')}`;

let directory: string;
let registry: DockerRegistry;
let image: SmallImage;
let manifestDigest: string;
let calls = 0;
const ends: (() => unknown)[] = [];

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'warden-docker-registry-'));
  registry = await DockerRegistry.start({ directory: join(directory, 'plain') });
  // Two mebibytes that no compression makes smaller.
  const noise = Buffer.concat(Array.from({ length: 65_536 }, (_, index) => Buffer.from(sha256(Buffer.from(String(index))).slice(7), 'hex')));
  image = await smallImage([layerOfTar(noise)]);
  manifestDigest = await registry.push('team/app', 'v1', image);
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
after(async () => {
  await registry?.close();
  rmSync(directory, { recursive: true, force: true });
});

function open(host: string, { reference = 'v1', credentials = undefined as typeof alice | undefined, caPath = undefined as string | undefined, incoming = `incoming-${calls++}` } = {}) {
  const limits = { insecureRegistries: [], silenceMs: 60_000, layerLimitInBytes: 1 << 30, imageLimitInBytes: 1 << 30 };
  const linux = new LinuxRegistry({ directory: join(directory, incoming), clock: systemClock, log: silentLog, caPath, ...limits });
  const session = linux.open({ host, repository: 'team/app', reference, credentials, platform: undefined });
  ends.push(() => session.close());
  return session;
}

const isRefused = (code: string, text: RegExp) => (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === code && text.test(error.message);

test('an image is resolved by its tag and by its digest, and its layers are fetched', async () => {
  for (const reference of ['v1', manifestDigest]) {
    const session = open(registry.host, { reference });
    const found = await session.resolve();
    assert.equal(found.manifestDigest, manifestDigest);
    assert.deepEqual(Buffer.from(found.config), image.config);
    assert.deepEqual(found.layers, image.layers.map(({ digest, compressed }) => ({ digest, sizeInBytes: compressed.length })));
    const paths = await Promise.all(found.layers.map((layer) => session.fetch(layer, () => undefined)));
    assert.deepEqual(paths.map((path) => sha256(readFileSync(path))), image.layers.map(({ digest }) => digest));
  }
  await assert.rejects(open(registry.host, { reference: 'v2' }).resolve(), isRefused('not_found', /manifests v2: not found there: "MANIFEST_UNKNOWN/));
});

test('a layer whose connection breaks off is gone on with, by the same process and by another', async () => {
  const door = await RegistryDoor.open(registry.port);
  ends.push(() => door.close());
  const [, layer] = (await open(registry.host).resolve()).layers;
  assert.ok(layer !== undefined);
  door.breakAfterInBytes = 700_000;
  const first = open(door.host, { incoming: 'shared' });
  await first.resolve();
  const path = await first.fetch(layer, () => undefined);
  assert.equal(sha256(readFileSync(path)), layer.digest);
  const tries = door.requests.filter(({ url }) => url.includes(layer.digest));
  // What had been written is not all there when a connection is cut off, so where exactly the next one begins is not known.
  const begins = tries.map(({ range }) => Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')?.[1]));
  assert.ok(begins.length >= 3 && begins.every((begin, index) => begin > (begins[index - 1] ?? -1)), begins.join(' '));

  writeFileSync(path, readFileSync(path).subarray(0, 1_000_000));
  door.breakAfterInBytes = undefined;
  door.requests.length = 0;
  const second = open(door.host, { incoming: 'shared' });
  await second.resolve();
  assert.equal(sha256(readFileSync(await second.fetch(layer, () => undefined))), layer.digest);
  assert.deepEqual(door.requests.filter(({ url }) => url.includes(layer.digest)).map(({ range }) => range), ['bytes=1000000-']);
});

test('a layer that was damaged in the registry is refused', async () => {
  const damaged = await smallImage([layerOfTar(Buffer.alloc(10_240, 7))]);
  await registry.push('team/app', 'damaged', damaged);
  const session = open(registry.host, { reference: 'damaged' });
  const layer = (await session.resolve()).layers.at(-1);
  assert.ok(layer !== undefined);
  const path = registry.blobPath(layer.digest);
  const content = readFileSync(path);
  content[20] = (content[20] ?? 0) ^ 1;
  writeFileSync(path, content);
  await assert.rejects(session.fetch(layer, () => undefined), isRefused('protocol', /is not what its digest says/));
  appendFileSync(path, 'more');
  await assert.rejects(session.fetch(layer, () => undefined), isRefused('protocol', /longer than|not what its digest says/));
});

test('user name and password open what is closed, and wrong ones do not', async () => {
  const path = join(directory, 'passwords');
  writeFileSync(path, passwords);
  const closed = await DockerRegistry.start({ directory: join(directory, 'closed'), auth: { htpasswd: { realm: 'of the test', path } } });
  ends.push(() => closed.close());
  await closed.push('team/app', 'v1', image, authorization);
  assert.equal((await open(closed.host, { credentials: alice }).resolve()).manifestDigest, manifestDigest);
  await assert.rejects(open(closed.host).resolve(), isRefused('permission', /asks for a user name and a password/));
  const wrong = { ...alice, password: 'wrong horse' };
  await assert.rejects(open(closed.host, { credentials: wrong }).resolve(), (error) => isRefused('permission', /refused with these credentials/)(error) && !String(error).includes('wrong horse'));
});

test('a token service that the registry trusts opens it: by password, by refresh token, and for this repository alone', async () => {
  const certificate = await makeCertificate(directory, 'tokens');
  const tokens = await TokenService.open({ certificate, authorization, refreshToken: 'of alice' });
  ends.push(() => tokens.close());
  const closed = await DockerRegistry.start({ directory: join(directory, 'by-token'), auth: tokens.auth });
  ends.push(() => closed.close());
  await closed.push('team/app', 'v1', image, `Bearer ${tokens.token('team/app', 'pull,push')}`);
  const fetchAll = async (credentials: typeof alice | undefined): Promise<void> => {
    const session = open(closed.host, { credentials });
    const { layers, manifestDigest: found } = await session.resolve();
    assert.equal(found, manifestDigest);
    for (const layer of layers) assert.equal(sha256(readFileSync(await session.fetch(layer, () => undefined))), layer.digest);
  };
  await fetchAll(alice);
  await fetchAll({ username: undefined, password: undefined, identityToken: 'of alice' });
  assert.deepEqual(tokens.asked, [
    { method: 'GET', account: 'alice', scope: 'repository:team/app:pull' },
    { method: 'POST', account: null, scope: 'repository:team/app:pull' },
  ], 'one token serves a whole pull');
  await assert.rejects(open(closed.host).resolve(), isRefused('permission', /does not accept anonymous requests/));
  const wrong = { ...alice, password: 'wrong horse' };
  await assert.rejects(open(closed.host, { credentials: wrong }).resolve(), (error) => isRefused('permission', /does not accept these credentials/)(error) && !String(error).includes('wrong horse'));
  // What the registry does not believe is no way in: a token that is over, and one that somebody else has signed.
  tokens.lifeInSeconds = -120;
  await assert.rejects(open(closed.host, { credentials: alice }).resolve(), isRefused('permission', /refuse/));
  const strange = await TokenService.open({ certificate: await makeCertificate(directory, 'strange'), authorization, refreshToken: 'of alice' });
  ends.push(() => strange.close());
  await assert.rejects(closed.push('team/app', 'v2', image, `Bearer ${strange.token('team/app', 'pull,push')}`), /: 401 /, 'the registry does look');
});

test('TLS is trusted by the authority that is configured, and not without', async () => {
  const [tls, other] = [await makeCertificate(directory, 'right'), await makeCertificate(directory, 'other')];
  const secure = await DockerRegistry.start({ directory: join(directory, 'secure'), tls });
  ends.push(() => secure.close());
  await secure.push('team/app', 'v1', image);
  assert.equal((await open(secure.host, { caPath: tls.certificate }).resolve()).manifestDigest, manifestDigest);
  for (const caPath of [undefined, other.certificate]) await assert.rejects(open(secure.host, { caPath }).resolve(), isRefused('permission', /its certificate is not trusted/));
});
