import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { WardenError } from 'warden-protocol';
import { digestOf, FakeRegistry, indexType, layerType, manifestType, sendBlob } from '../lib/fake-registry.js';
import { layerFileName } from '../lib/registry-messages.js';
import { RegistryApi } from './api.js';
import type { Credentials } from './authorization.js';
import { Hosts } from './hosts.js';
import { downloadLayer } from './layer-download.js';
import { resolveImage } from './resolve.js';
import { Transport } from './transport.js';

const limits = { layerLimitInBytes: 1 << 20, imageLimitInBytes: 2 << 20 };
let registry: FakeRegistry;
let directory: string;
let transport: Transport;

beforeEach(async () => {
  registry = await FakeRegistry.listen();
  directory = mkdtempSync(join(tmpdir(), 'warden-registry-'));
});
afterEach(async () => {
  transport?.close();
  await registry[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

function apiOf({ credentials = {}, silenceMs = 10_000, host = registry.host }: { credentials?: Credentials; silenceMs?: number; host?: string } = {}): RegistryApi {
  const hosts = new Hosts(host, []);
  transport = new Transport({ hosts, ca: undefined, silenceMs });
  return new RegistryApi({ host, repository: 'team/app', credentials, transport, hosts });
}

const resolve = (reference = 'latest', platform = 'linux/amd64', api = apiOf()) => resolveImage(api, reference, platform, limits);
const refused = (code: string, text: RegExp) => (error: unknown): boolean => {
  assert.ok(error instanceof WardenError, String(error));
  assert.deepEqual([error.code, text.test(error.message)], [code, true], `${error.code}: ${error.message}`);
  return true;
};
const answerFor = (path: RegExp, answer: (request: IncomingMessage, response: ServerResponse) => void): void => {
  registry.answer = (request, response) => {
    if (!path.test(request.url ?? '')) return false;
    answer(request, response);
    return true;
  };
};

describe('resolving a reference', () => {
  it('answers with what is verified by its digests', async () => {
    const digest = registry.addImage('latest', ['one', 'two']);
    const image = await resolve();
    assert.equal(image.manifestDigest, digest);
    assert.deepEqual(image.layers, [{ digest: digestOf('one'), sizeInBytes: 3 }, { digest: digestOf('two'), sizeInBytes: 3 }]);
    assert.match(image.config.toString(), /"diff_ids"/);
    assert.equal((await resolve(digest)).manifestDigest, digest);
  });

  it('takes the platform\'s manifest of an index, and its own variant when one is named', async () => {
    const manifests = ['amd64', 'arm64'].map((architecture, index) => ({ mediaType: manifestType, digest: registry.addImage(`t${index}`, [architecture]), size: 1, platform: { os: 'linux', architecture, variant: architecture === 'arm64' ? 'v8' : undefined } }));
    const index = registry.addManifest(['latest'], { schemaVersion: 2, mediaType: indexType, manifests }, indexType);
    for (const [platform, layer] of [['linux/amd64', 'amd64'], ['linux/arm64', 'arm64'], ['linux/arm64/v8', 'arm64']] as const) {
      const image = await resolve('latest', platform);
      assert.deepEqual([image.layers[0]?.digest, image.manifestDigest], [digestOf(layer), index], platform);
    }
    await assert.rejects(resolve('latest', 'linux/arm64/v7'), refused('not_found', /not there for linux\/arm64\/v7, only for "linux\/amd64, linux\/arm64\/v8"/));
  });

  it('refuses what is not what its digest says', async () => {
    const digest = registry.addImage('latest', ['one']);
    const other = registry.manifests.get(registry.addImage('other', ['two']));
    assert.ok(other !== undefined);
    registry.manifests.set(digest, other);
    await assert.rejects(resolve(digest), refused('protocol', /the manifest is not what its digest says/));
    answerFor(/manifests/, (_request, response) => void response.writeHead(200, { 'content-type': manifestType, 'docker-content-digest': digest }).end(other.body));
    await assert.rejects(resolve(), refused('protocol', /the manifest is not what its digest says/));
    const config = [...registry.blobs.entries()].find(([, blob]) => blob.toString().includes('diff_ids'));
    registry.blobs.set(config?.[0] ?? '', Buffer.from('{}'));
    registry.answer = () => false;
    await assert.rejects(resolve(), refused('protocol', /the configuration is not what its digest says/));
  });

  it('refuses what is too large before it fetches any of it', async () => {
    registry.addImage('latest', [Buffer.alloc(limits.layerLimitInBytes + 1)]);
    await assert.rejects(resolve(), refused('exhausted', /images\.max_layer_size/));
    registry.addImage('latest', [1, 2, 3].map((fill) => Buffer.alloc(limits.layerLimitInBytes - 1, fill)));
    await assert.rejects(resolve(), refused('exhausted', /images\.max_image_size/));
    assert.ok(!registry.requests.some(({ url }) => url.includes('blobs')));
  });

  it('refuses a manifest, a configuration and a reply without end', async () => {
    for (const [path, what] of [[/manifests/, /the manifest is longer than/], [/blobs/, /the configuration is longer than/]] as const) {
      registry.addImage('latest', ['one']);
      answerFor(path, (_request, response) => {
        response.writeHead(200, { 'content-type': manifestType });
        const more = (): void => {
          while (response.write(Buffer.alloc(64 * 1024, ' ')));
        };
        response.on('drain', more);
        more();
      });
      await assert.rejects(resolve(), refused('protocol', what));
      registry.answer = () => false;
    }
  });

  it('refuses manifests that are none', async () => {
    const blob = { mediaType: layerType, digest: digestOf('x'), size: 1 };
    const image = { schemaVersion: 2, config: blob, layers: [blob] };
    for (const [manifest, type, code, text] of [
      [{ schemaVersion: 1 }, manifestType, 'unsupported', /first schema/],
      [{ ...image, manifests: [] }, manifestType, 'protocol', /an index and a manifest at once/],
      [{ ...image, config: { ...blob, digest: 'sha512:00' } }, manifestType, 'protocol', /config\.digest: is no sha256 digest/],
      [{ ...image, config: { ...blob, size: -1 } }, manifestType, 'protocol', /config\.size/],
      [{ ...image, layers: [{ ...blob, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }] }, manifestType, 'unsupported', /foreign/],
      [{ ...image, layers: Array.from({ length: 501 }, () => blob) }, manifestType, 'protocol', /layers/],
      [image, 'text/html', 'unsupported', /"text\/html", which is no image's/],
      [{ ...image, mediaType: 'application/vnd.cncf.helm' }, manifestType, 'unsupported', /helm/],
      [[], manifestType, 'unsupported', /no image's/],
    ] as const) {
      registry.addManifest(['latest'], manifest, type);
      await assert.rejects(resolve(), refused(code, text));
    }
    registry.manifests.set('latest', { type: manifestType, body: Buffer.from('{') });
    await assert.rejects(resolve(), refused('protocol', /not JSON/));
    const inner = registry.addManifest([], { schemaVersion: 2, mediaType: indexType, manifests: [] }, indexType);
    registry.addManifest(['latest'], { schemaVersion: 2, mediaType: indexType, manifests: [{ mediaType: manifestType, digest: inner, size: 1, platform: { os: 'linux', architecture: 'amd64' } }] }, indexType);
    await assert.rejects(resolve(), refused('unsupported', /an index in an index/));
  });

  it('says what is not there, and what the registry says of it', async () => {
    await assert.rejects(resolve('none'), refused('not_found', /team\/app, manifests none: not found there: "NAME_UNKNOWN: not known here"/));
    answerFor(/manifests/, (_request, response) => void response.writeHead(500).end(JSON.stringify({ errors: [{ code: 'X', message: '\u001b[31m\u202e' }] })));
    await assert.rejects(resolve(), refused('unavailable', /answered 500: "X: \?\[31m\?"/));
  });
});

describe('places that a registry leads to', () => {
  it('are gone to a few times, without its credentials where they are another\'s', async () => {
    await using store = await FakeRegistry.listen();
    registry.addImage('latest', ['one']);
    for (const [digest, blob] of registry.blobs) store.blobs.set(digest, blob);
    answerFor(/blobs/, ({ url = '', headers }, response) => {
      assert.match(headers.authorization ?? '', /^Basic /);
      response.writeHead(307, { location: `http://${store.host}${url}` }).end();
    });
    const api = apiOf({ credentials: { username: 'u', password: 'p' } });
    const normally = registry.answer;
    registry.answer = (request, response) => {
      if (request.url === '/v2/' || request.headers.authorization !== undefined) return normally(request, response);
      response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
      return true;
    };
    await resolve('latest', 'linux/amd64', api);
    assert.deepEqual(store.requests.map(({ authorization }) => authorization), [undefined]);
  });

  it('are not gone to for ever', async () => {
    answerFor(/manifests/, ({ url = '' }, response) => void response.writeHead(302, { location: `${url}x` }).end());
    await assert.rejects(resolve(), refused('protocol', /led to other places more than 5 times/));
    assert.equal(registry.requests.filter(({ url }) => url.includes('manifests')).length, 6);
  });

  it('are not gone to without TLS, or with another scheme, unless they may do without', async () => {
    for (const [location, code, text] of [['http://192.0.2.1/', 'permission', /without TLS/], ['file:///etc/passwd', 'protocol', /neither http nor https/], ['http://u:p@localhost/', 'protocol', /with credentials in it/], ['http://[', 'protocol', /is no address/]] as const) {
      answerFor(/manifests/, (_request, response) => void response.writeHead(302, { location }).end());
      await assert.rejects(resolve(), refused(code, text));
    }
  });
});

describe('this machine\'s own addresses', () => {
  it('are where only a registry leads to that is there itself', () => {
    for (const registryHost of ['registry.example', '192.0.2.1:5000', '[2001:db8::1]:80']) {
      const hosts = new Hosts(registryHost, []);
      for (const host of ['127.0.0.1', '169.254.169.254', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0']) assert.equal(hosts.mayBeLocal(new URL(`https://${host}/`).hostname), false, `${registryHost} ${host}`);
      assert.equal(hosts.mayBeLocal(new URL(`https://${registryHost}/`).hostname), true);
    }
    assert.equal(new Hosts('localhost:5000', []).mayBeLocal('127.0.0.1'), true);
  });

  it('are refused by number and by name', async () => {
    const send = (url: string): Promise<IncomingMessage> => {
      transport = new Transport({ hosts: new Hosts('registry.example', ['127.0.0.1', 'localhost']), ca: undefined, silenceMs: 10_000 });
      return transport.send(new URL(url));
    };
    await assert.rejects(send(`http://${registry.host}/v2/`), refused('permission', /"127\.0\.0\.1", an address of this machine's own/));
    await assert.rejects(send(`http://localhost:${registry.port}/v2/`), refused('permission', /"localhost", an address of this machine's own/));
    assert.deepEqual(registry.requests, []);
  });
});

describe('a layer', () => {
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 251));
  const layer = { digest: digestOf(content), sizeInBytes: content.length };
  const path = (): string => join(directory, layerFileName(layer.digest));
  const download = (api = apiOf(), seen: number[] = []) => downloadLayer(api, directory, layer, (done) => seen.push(done));

  beforeEach(() => void registry.addBlob(content));

  it('is fetched and verified, and its progress told', async () => {
    const seen: number[] = [];
    await download(apiOf(), seen);
    assert.deepEqual(readFileSync(path()), content);
    assert.equal(seen.at(-1), content.length);
  });

  it('is gone on with where an earlier try ended', async () => {
    writeFileSync(path(), content.subarray(0, 100_000));
    await download();
    assert.deepEqual(readFileSync(path()), content);
    assert.deepEqual(registry.requests.filter(({ url }) => url.includes('blobs')).map(({ range }) => range), ['bytes=100000-']);
  });

  it('that is there is not fetched again', async () => {
    writeFileSync(path(), content);
    await download();
    assert.deepEqual(registry.requests, []);
  });

  it('is begun anew when the registry does not go on, or what was there is not the beginning', async () => {
    writeFileSync(path(), content.subarray(0, 100_000));
    answerFor(/blobs/, (_request, response) => sendBlob(content, undefined, response));
    await download();
    assert.deepEqual(readFileSync(path()), content);
    registry.answer = () => false;
    writeFileSync(path(), Buffer.alloc(100_000));
    await download();
    assert.deepEqual(readFileSync(path()), content);
    for (const [status, range] of [[416, undefined], [206, 'bytes 0-299999/300000'], [206, undefined]] as const) {
      writeFileSync(path(), content.subarray(0, 100_000));
      answerFor(/blobs/, ({ headers }, response) => {
        if (headers.range === undefined) sendBlob(content, undefined, response);
        else response.writeHead(status, range === undefined ? {} : { 'content-range': range }).end(content);
      });
      await download();
      assert.deepEqual(readFileSync(path()), content);
    }
  });

  it('is gone on with when the connection breaks off, as long as each brings something', async () => {
    let pieces = 0;
    answerFor(/blobs/, ({ headers }, response) => {
      const from = Number(/\d+/.exec(headers.range ?? '0')?.[0]);
      const rest = content.subarray(from);
      response.writeHead(from === 0 ? 200 : 206, { 'content-length': rest.length, ...(from === 0 ? {} : { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }) });
      pieces++;
      // What has come and was not written yet goes with the connection.
      const breakOff = (): void => void (statSync(path()).size > from ? response.destroy() : setImmediate(breakOff));
      response.write(rest.subarray(0, 60_000), () => {
        if (rest.length > 60_000) breakOff();
        else response.end();
      });
    });
    await download();
    assert.deepEqual(readFileSync(path()), content);
    assert.ok(pieces >= 5, `${pieces}`);
  });

  it('is given up when nothing comes any more, and what there is stays for the next try', async () => {
    let asked = 0;
    answerFor(/blobs/, (_request, response) => {
      asked++;
      response.writeHead(503).end();
    });
    writeFileSync(path(), content.subarray(0, 1000));
    await assert.rejects(download(), refused('unavailable', /answered 503/));
    assert.equal(asked, 4);
    assert.equal(readFileSync(path()).length, 1000);
  });

  it('is given up on a registry that is silent', async () => {
    answerFor(/blobs/, (_request, response) => void response.writeHead(200, { 'content-length': content.length }).write('x'));
    await assert.rejects(download(apiOf({ silenceMs: 30 })), refused('timeout', /said too little for 0\.03 s/));
    answerFor(/manifests/, () => undefined);
    await assert.rejects(resolve('latest', 'linux/amd64', apiOf({ silenceMs: 30 })), refused('timeout', /images\.pull_timeout/));
  });

  it('that is another, longer, or compressed on the way is refused and not kept', async () => {
    answerFor(/blobs/, (_request, response) => void response.end(Buffer.alloc(content.length)));
    await assert.rejects(download(), refused('protocol', /is not what its digest says/));
    assert.ok(!existsSync(path()));
    answerFor(/blobs/, (_request, response) => void response.end(Buffer.concat([content, content])));
    await assert.rejects(download(), refused('protocol', /longer than the 300000 bytes/));
    rmSync(path());
    answerFor(/blobs/, (_request, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'));
    await assert.rejects(download(), refused('protocol', /a compression that nobody asked for/));
  });

  it('is not written through a link', async () => {
    const { symlinkSync } = await import('node:fs');
    writeFileSync(join(directory, 'victim'), 'untouched');
    symlinkSync('victim', path());
    await assert.rejects(download(), /ELOOP/);
    assert.equal(readFileSync(join(directory, 'victim'), 'utf8'), 'untouched');
  });
});
