import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { WardenError } from 'warden-protocol';
import { digestOf, FakeRegistry } from '../../lib/fake-registry.js';
import { silentLog } from '../../lib/log.js';
import { layerFileName } from '../../lib/registry-messages.js';
import { systemClock } from '../../lib/timer.js';
import type { RegistryOrder, RegistrySession } from '../registry.js';
import { LinuxRegistry, type RegistryProcessOptions } from './registry-process.js';

let directory: string;
const sessions: RegistrySession[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'warden-registry-process-'));
});
afterEach(() => {
  for (const session of sessions.splice(0)) session.close();
  rmSync(directory, { recursive: true });
});

function open(order: Partial<RegistryOrder> & { host: string }, options: Partial<RegistryProcessOptions> = {}): RegistrySession {
  const registry = new LinuxRegistry({
    directory: join(directory, 'incoming'), clock: systemClock, log: silentLog, insecureRegistries: [], silenceMs: 60_000, layerLimitInBytes: 1 << 20, imageLimitInBytes: 1 << 20, ...options,
  });
  const session = registry.open({ repository: 'team/app', reference: 'latest', credentials: undefined, platform: 'linux/amd64', ...order });
  sessions.push(session);
  return session;
}

const refused = (code: string, text: RegExp) => (error: unknown): boolean => error instanceof WardenError && error.code === code && text.test(error.message);

describe('a registry process', () => {
  it('resolves, fetches, drops, and owns nothing but its directory', async () => {
    await using registry = await FakeRegistry.listen();
    registry.addImage('latest', ['one', 'two']);
    const session = open({ host: registry.host });
    const image = await session.resolve();
    const [one, two] = image.layers;
    assert.ok(one !== undefined && two !== undefined);
    const seen: number[] = [];
    const paths = await Promise.all([session.fetch(one, (done) => seen.push(done)), session.fetch(two, () => undefined)]);
    assert.deepEqual(paths.map((path) => readFileSync(path, 'utf8')), ['one', 'two']);
    assert.equal(seen.at(-1), 3);
    if (process.geteuid?.() === 0) assert.deepEqual(paths.map((path) => statSync(path).uid), [65_534, 65_534]);
    session.drop(one);
    // What is told behind it is done behind it.
    await session.fetch(two, () => undefined);
    assert.deepEqual(readdirSync(join(directory, 'incoming')), [layerFileName(digestOf('two'))]);
  });

  it('says what has failed, with its code', async () => {
    await using registry = await FakeRegistry.listen();
    await assert.rejects(open({ host: registry.host }).resolve(), refused('not_found', /manifests latest: not found there/));
    registry.addImage('latest', ['one']);
    registry.blobs.set(digestOf('one'), Buffer.from('two'));
    const session = open({ host: registry.host });
    const { layers: [layer] } = await session.resolve();
    assert.ok(layer !== undefined);
    await assert.rejects(session.fetch(layer, () => undefined), refused('protocol', /not what its digest says/));
    await assert.rejects(open({ host: registry.host }, { caPath: '/nowhere' }).resolve(), refused('invalid_argument', /images\.registry_ca: \/nowhere cannot be read/));
  });

  it('is killed in the middle of what it does, and everything fails that waits for it', async () => {
    await using registry = await FakeRegistry.listen();
    registry.addImage('latest', ['one']);
    let asked = (): void => undefined;
    const isAsked = new Promise<void>((resolve) => { asked = resolve; });
    registry.answer = ({ url = '' }) => {
      if (!url.includes(digestOf('one'))) return false;
      asked();
      return true;
    };
    const session = open({ host: registry.host });
    const { layers: [layer] } = await session.resolve();
    assert.ok(layer !== undefined);
    const fetching = session.fetch(layer, () => undefined);
    await isAsked;
    session.close();
    await assert.rejects(fetching, refused('canceled', /ended/));
    await assert.rejects(session.fetch(layer, () => undefined), refused('canceled', /ended/));
  });
});

describe('TLS', () => {
  it('is spoken where there is a certificate of an authority that is known, and nothing is sent where there is none', async () => {
    const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=registry', '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' });
    await using registry = await FakeRegistry.listen({ key: readFileSync(key), cert: readFileSync(certificate) });
    registry.addImage('latest', ['one']);
    assert.equal((await open({ host: registry.host }, { caPath: certificate }).resolve()).layers.length, 1);
    const before = registry.requests.length;
    // A loopback address may do without TLS, but what has it is not asked without.
    await assert.rejects(open({ host: registry.host }).resolve(), refused('permission', /its certificate is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\).*images\.registry_ca/));
    assert.equal(registry.requests.length, before);
    assert.ok(existsSync(certificate));
  });
});
