import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressOf, DEFAULT_SOCKET_PATH } from './address.js';

describe('addressOf', () => {
  it('reads what people write', () => {
    assert.deepEqual(addressOf('/run/x.sock'), { path: '/run/x.sock' });
    assert.deepEqual(addressOf('x.sock'), { path: 'x.sock' });
    assert.deepEqual(addressOf('unix:/run/x.sock'), { path: '/run/x.sock' });
    assert.deepEqual(addressOf('tcp:localhost:2000'), { host: 'localhost', port: 2000 });
    assert.deepEqual(addressOf('tcp://127.0.0.1:2000'), { host: '127.0.0.1', port: 2000 });
    assert.deepEqual(addressOf('tcp:[::1]:2000'), { host: '::1', port: 2000 });
    assert.deepEqual(addressOf({ path: 'a' }), { path: 'a' });
  });

  it('without an address takes the environment, then the default', (context) => {
    const before = process.env['WARDEN_SOCKET'];
    context.after(() => {
      if (before === undefined) delete process.env['WARDEN_SOCKET'];
      else process.env['WARDEN_SOCKET'] = before;
    });
    process.env['WARDEN_SOCKET'] = '/from/environment';
    assert.deepEqual(addressOf(undefined), { path: '/from/environment' });
    delete process.env['WARDEN_SOCKET'];
    assert.deepEqual(addressOf(undefined), { path: DEFAULT_SOCKET_PATH });
  });

  for (const bad of ['tcp:localhost', 'tcp:2000', 'tcp:a:b:1', 'tcp:localhost:']) {
    it(`refuses ${bad}`, () => assert.throws(() => addressOf(bad), /an address is a path, unix:PATH, tcp:HOST:PORT or tls:HOST:PORT/));
  }

  it('reads the files that a TLS address needs, and says which is missing', () => {
    const environment = { WARDEN_TLS_CA: '/dev/null', WARDEN_TLS_CERT: '/dev/null', WARDEN_TLS_KEY: '/dev/null' };
    assert.deepEqual(addressOf('tls:example.org:7777', environment), { host: 'example.org', port: 7777, tls: { ca: '', certificate: '', key: '' } });
    assert.throws(() => addressOf('tls:example.org:7777', { ...environment, WARDEN_TLS_KEY: undefined }), { code: 'invalid_argument', message: /WARDEN_TLS_KEY is not set/ });
    assert.throws(() => addressOf('tls:example.org:7777', { ...environment, WARDEN_TLS_CA: '/nope' }), { code: 'invalid_argument', message: /^WARDEN_TLS_CA: ENOENT/ });
  });
});
