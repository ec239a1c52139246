import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WardenError } from 'warden-protocol';
import { FakeRegistry } from '../lib/fake-registry.js';
import { RegistryApi } from './api.js';
import type { Credentials } from './authorization.js';
import { parseChallenges } from './challenges.js';
import { Hosts } from './hosts.js';
import { resolveImage } from './resolve.js';
import { Transport } from './transport.js';

const limits = { layerLimitInBytes: 1 << 20, imageLimitInBytes: 1 << 20 };
const right = { username: 'alice', password: 'pass:word' };
const basic = `Basic ${Buffer.from('alice:pass:word').toString('base64')}`;

async function pull(registry: FakeRegistry, credentials: Credentials = {}): Promise<string> {
  const hosts = new Hosts(registry.host, []);
  const transport = new Transport({ hosts, ca: undefined, silenceMs: 10_000 });
  try {
    await resolveImage(new RegistryApi({ host: registry.host, repository: 'team/app', credentials, transport, hosts }), 'latest', 'linux/amd64', limits);
    return 'taken';
  } catch (error) {
    assert.ok(error instanceof WardenError);
    return `${error.code}: ${error.message}`;
  } finally {
    transport.close();
  }
}

/** A registry that asks for authorization, and answers what its token service is asked. */
async function closedRegistry(challenge: (registry: FakeRegistry) => string, isRight: (authorization: string | undefined) => boolean, token?: (url: URL, authorization: string | undefined, body: string) => { status: number; body: unknown }): Promise<FakeRegistry> {
  const registry = await FakeRegistry.listen();
  registry.addImage('latest', ['one']);
  registry.answer = (request, response) => {
    const url = new URL(request.url ?? '', `http://${registry.host}`);
    if (url.pathname === '/token' && token !== undefined) {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { status, body } = token(url, request.headers.authorization, Buffer.concat(chunks).toString());
        response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
      });
      return true;
    }
    if (isRight(request.headers.authorization)) return false;
    response.writeHead(401, { 'www-authenticate': challenge(registry) }).end();
    return true;
  };
  return registry;
}

const bearer = ({ host }: FakeRegistry): string => `Bearer realm="http://${host}/token",service="the service",scope="repository:team/app:pull"`;

describe('basic authentication', () => {
  it('says user name and password when it is asked to, and not before', async () => {
    await using registry = await closedRegistry(() => 'Basic realm="r"', (authorization) => authorization === basic);
    assert.equal(await pull(registry, right), 'taken');
    assert.equal(registry.requests.find(({ url }) => url.includes('manifests'))?.authorization, undefined);
  });

  it('says what is missing or wrong', async () => {
    await using registry = await closedRegistry(() => 'Basic realm="r"', (authorization) => authorization === basic);
    assert.match(await pull(registry), /^permission: registry 127\.0\.0\.1:\d+ refuses: it asks for a user name and a password$/);
    const wrong = await pull(registry, { username: 'alice', password: 'secret-of-alice' });
    assert.match(wrong, /^permission: .*refused with these credentials$/);
    assert.ok(!wrong.includes('secret-of-alice'));
  });
});

describe('a token', () => {
  it('is fetched without credentials, with them, and for an identity token', async () => {
    const asked: string[] = [];
    await using registry = await closedRegistry(bearer, (authorization) => authorization === 'Bearer tok.en-1', (url, authorization, body) => {
      asked.push(`${url.searchParams.toString()} ${authorization ?? ''} ${body}`.trim());
      return { status: 200, body: body === '' ? { token: 'tok.en-1' } : { access_token: 'tok.en-1' } };
    });
    assert.equal(await pull(registry), 'taken');
    assert.equal(await pull(registry, right), 'taken');
    assert.equal(await pull(registry, { identityToken: 'id' }), 'taken');
    const scope = 'service=the+service&scope=repository%3Ateam%2Fapp%3Apull';
    assert.deepEqual(asked, [scope, `${scope}&account=alice ${basic}`, `${scope}&grant_type=refresh_token&client_id=warden&refresh_token=id`]);
  });

  it('that has become too old is fetched again', async () => {
    let valid = 0;
    let issued = 0;
    await using registry = await closedRegistry(bearer, (authorization) => {
      // Each is good for one request.
      if (authorization !== `Bearer t${valid}`) return false;
      valid = -1;
      return true;
    }, () => {
      valid = ++issued;
      return { status: 200, body: { token: `t${valid}` } };
    });
    assert.equal(await pull(registry), 'taken');
    assert.equal(issued, 2);
  });

  it('is not taken from whoever sends none, too much, or another thing', async () => {
    for (const [body, status, text] of [
      ['{', 200, /protocol: .* sent no token/], [{}, 200, /sent no token/], [{ token: 'a\r\nX: y' }, 200, /sent no token/], [{ token: 7 }, 200, /sent no token/],
      [{ token: 'x'.repeat(300_000) }, 200, /longer than 262144 bytes/], [{}, 401, /permission: .* does not accept anonymous requests/], [{}, 500, /unavailable: .* answered 500/],
    ] as const) {
      await using registry = await closedRegistry(bearer, () => false, () => ({ status, body }));
      assert.match(await pull(registry), text);
    }
  });

  it('is not asked for without TLS where that may not be', async () => {
    await using registry = await closedRegistry(() => 'Bearer realm="http://192.0.2.1/token"', () => false);
    assert.match(await pull(registry, right), /^permission: 192\.0\.2\.1 would be spoken to without TLS/);
  });
});

it('challenges are read as they are written', () => {
  const plain = (header: string) => parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
  assert.deepEqual(plain('Bearer realm="https://a/t",service="s, \\"x\\"",scope="a b"'), [['bearer', { realm: 'https://a/t', service: 's, "x"', scope: 'a b' }]]);
  assert.deepEqual(plain('Basic realm=r, Bearer Realm = "t" , service=s'), [['basic', { realm: 'r' }], ['bearer', { realm: 't', service: 's' }]]);
  assert.deepEqual(plain('Negotiate, Basic'), [['negotiate', {}], ['basic', {}]]);
  for (const header of ['', '"', ',,,', '=x', '\u0000', 'a'.repeat(100_000), 'x="'.repeat(3000), '"\\'.repeat(5000)]) parseChallenges(header);
});

it('an authentication that is not known here is named as such', async () => {
  await using registry = await closedRegistry(() => 'Negotiate', () => false);
  assert.match(await pull(registry, right), /^permission: .* it asks for an authentication that is not known here$/);
});
