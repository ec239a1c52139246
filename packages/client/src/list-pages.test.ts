import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { Type } from 'warden-protocol';
import { Warden } from './index.js';
import { MockServer, type MockServerOptions } from './testing/mock-server.js';

let server: MockServer;
let warden: Warden;

async function start(options: MockServerOptions = {}): Promise<void> {
  server = await MockServer.listen(options);
  warden = new Warden(server.path);
}

afterEach(async () => {
  await warden.close();
  await server[Symbol.asyncDispose]();
});

describe('pages of a list', () => {
  it('asks for boxes page by page, as long as the server has more', async () => {
    const pages: object[] = [];
    const answers = [{ handles: ['a'], containers: [{ handle: 'a', state: 'active' }], next: 'x' }, { handles: ['b'], containers: [{ handle: 'b', state: 'active' }], next: 'y' }, { handles: [], containers: [] }];
    await start({ handlers: { [Type.List]: (request) => { pages.push(request); return answers[pages.length - 1]!; } } });
    assert.deepEqual((await warden.boxes({ labels: { team: true } })).map(({ handle }) => handle), ['a', 'b']);
    const page = { labels: [{ key: 'team' }], details: true, limit: 1000 };
    assert.deepEqual(pages, [page, { ...page, after: 'x' }, { ...page, after: 'y' }]);
  });

  it('does not ask for ever for what a server tells again and again', async () => {
    let asked = 0;
    await start({ handlers: { [Type.List]: () => { asked++; return { handles: ['a'], containers: [{ handle: 'a', state: 'active' }], next: 'x' }; } } });
    assert.equal((await warden.boxes()).length, 2);
    assert.equal(asked, 2);
  });

  it('lists a page of the mock server, and the one behind it', async () => {
    await start();
    for (const handle of ['a', 'b', 'c']) await warden.client.create({ handle });
    const first = await warden.client.list({ limit: 2 });
    await warden.client.destroy({ handle: 'b' });
    assert.deepEqual([first.handles, (await warden.client.list({ limit: 2, after: first.next })).handles, (await warden.client.list({ limit: 2 })).next], [['a', 'b'], ['c'], undefined]);
  });
});
