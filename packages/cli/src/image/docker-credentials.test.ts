import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { WardenError } from 'warden-protocol';
import { dockerCredentials, registryOf } from './docker-credentials.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'warden-docker-'));
  mkdirSync(join(home, '.docker'));
});
afterEach(() => rmSync(home, { recursive: true }));

const configure = (configuration: object | string): void => writeFileSync(join(home, '.docker/config.json'), typeof configuration === 'string' ? configuration : JSON.stringify(configuration));
const credentials = (host: string | undefined, environment: Record<string, string> = {}) => dockerCredentials(host, { HOME: home, PATH: home, ...environment });
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function helper(name: string, script: string): void {
  const path = join(home, `docker-credential-${name}`);
  writeFileSync(path, `#!/bin/sh\nread host\n${script}\n`);
  chmodSync(path, 0o755);
}

it('the registry of a reference is its host', () => {
  for (const [reference, host] of [['h.example/a', 'h.example'], ['docker://localhost:5000/a/b:1', 'localhost:5000'], ['localhost/a', 'localhost'], ['a', undefined], ['a/b', undefined], ['[::1]:5/a', '[::1]:5']] as const) assert.equal(registryOf(reference), host);
});

describe('docker\'s configuration', () => {
  it('has a user name and a password, an identity token, or nothing', async () => {
    configure({ auths: { 'h.example': { auth: base64('alice:a:b') }, 'localhost:5000': { identitytoken: 'id', auth: base64('x:y') }, 'https://old.example/v1/': { auth: base64('bob:b') }, 'plain.example': { username: 'u', password: 'p' }, 'empty.example': {} } });
    assert.deepEqual(await credentials('h.example'), { username: 'alice', password: 'a:b' });
    assert.deepEqual(await credentials('localhost:5000'), { identityToken: 'id' });
    assert.deepEqual(await credentials('old.example'), { username: 'bob', password: 'b' });
    assert.deepEqual(await credentials('plain.example'), { username: 'u', password: 'p' });
    for (const host of ['empty.example', 'other.example', 'h.example:443', '__proto__', undefined]) assert.equal(await credentials(host), undefined, host);
  });

  it('may be missing, or elsewhere, but not damaged', async () => {
    assert.equal(await credentials('h.example'), undefined);
    mkdirSync(join(home, 'other'));
    writeFileSync(join(home, 'other/config.json'), JSON.stringify({ auths: { 'h.example': { auth: base64('a:b') } } }));
    assert.deepEqual(await credentials('h.example', { DOCKER_CONFIG: join(home, 'other') }), { username: 'a', password: 'b' });
    for (const text of ['{', '7', 'null', JSON.stringify({ auths: { 'h.example': { auth: base64('nocolon') } } })]) {
      configure(text);
      await assert.rejects(credentials('h.example'), (error) => error instanceof WardenError && error.code === 'invalid_argument' && !error.message.includes('nocolon'));
    }
    for (const odd of [{ auths: 7 }, { auths: { 'h.example': 'x' } }, []]) {
      configure(odd);
      assert.equal(await credentials('h.example'), undefined);
    }
  });

  it('may name a helper, for all or for one', async () => {
    helper('one', `printf '{"Username":"of %s","Secret":"s"}' "$host"`);
    helper('token', `printf '{"Username":"<token>","Secret":"id"}'`);
    helper('none', 'echo "credentials not found in native keychain"; exit 1');
    helper('broken', 'echo "no keychain"; exit 3');
    helper('nonsense', 'echo hello');
    configure({ credsStore: 'one', credHelpers: { 't.example': 'token', 'n.example': 'none', 'b.example': 'broken', 'x.example': 'nonsense', 'm.example': 'missing', 'p.example': '../x' }, auths: { 'n.example': { auth: base64('a:b') } } });
    assert.deepEqual(await credentials('h.example'), { username: 'of h.example', password: 's' });
    assert.deepEqual(await credentials('t.example'), { identityToken: 'id' });
    assert.deepEqual(await credentials('n.example'), { username: 'a', password: 'b' });
    for (const [host, text] of [['b.example', /status 3: no keychain/], ['x.example', /no credentials/], ['m.example', /cannot be run/], ['p.example', /cannot be one/]] as const) {
      await assert.rejects(credentials(host), (error) => error instanceof WardenError && text.test(error.message), host);
    }
  });

  it('may name a helper that is missing, and nothing waits for that', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    configure({ credsStore: 'missing' });
    const before = timers();
    await assert.rejects(credentials('h.example'), /cannot be run/);
    assert.equal(timers(), before);
  });
});
