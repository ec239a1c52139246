import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeRequest, errorOfResponse, messageTypes, requestTypes, Type, type RequestInit } from 'warden-protocol';
import { TestServer } from './test-server.js';

/** A request of each type that is right in form and finds nothing to do. */
const requests: { readonly [T in Exclude<Type, Type.Error>]: RequestInit<T> } = {
  [Type.Create]: { handle: 'other' },
  [Type.Stop]: { handle: 'demo' },
  [Type.Destroy]: { handle: 'other' },
  [Type.Info]: { handle: 'demo' },
  [Type.Spawn]: { handle: 'demo', script: '' },
  [Type.Link]: { handle: 'demo', jobId: 999 },
  [Type.Run]: { handle: 'none', script: '' },
  [Type.Stream]: { handle: 'demo', jobId: 999 },
  [Type.NetIn]: { handle: 'demo' },
  [Type.NetOut]: { handle: 'demo' },
  [Type.CopyIn]: { handle: 'demo', srcPath: '/a', dstPath: '/b' },
  [Type.CopyOut]: { handle: 'demo', srcPath: '/a', dstPath: '/b' },
  [Type.LimitMemory]: { handle: 'demo' },
  [Type.LimitDisk]: { handle: 'demo' },
  [Type.LimitBandwidth]: { handle: 'demo', rate: 1n, burst: 1n },
  [Type.LimitCpu]: { handle: 'demo' },
  [Type.Ping]: {},
  [Type.List]: {},
  [Type.Echo]: { message: '' },
  [Type.Input]: { handle: 'demo', jobId: 999 },
  [Type.Resize]: { handle: 'demo', jobId: 999, rows: 1, columns: 1 },
  [Type.Signal]: { handle: 'demo', jobId: 999, signal: 15 },
  [Type.Jobs]: { handle: 'demo' },
  [Type.Logs]: { handle: 'demo', jobId: 999 },
  [Type.ReadFile]: { handle: 'none', path: Buffer.from('/a') },
  [Type.WriteFile]: { handle: 'none', path: Buffer.from('/a') },
  [Type.TransferData]: { transferId: 1 },
  [Type.ListFiles]: { handle: 'none', path: Buffer.from('/a') },
  [Type.StatFile]: { handle: 'none', path: Buffer.from('/a') },
  [Type.MakeDirectory]: { handle: 'none', path: Buffer.from('/a') },
  [Type.RemoveFile]: { handle: 'none', path: Buffer.from('/a') },
  [Type.RenameFile]: { handle: 'none', path: Buffer.from('/a'), newPath: Buffer.from('/b') },
  [Type.TarIn]: { handle: 'none', path: Buffer.from('/a'), transferId: 1 },
  [Type.TarOut]: { handle: 'none', path: Buffer.from('/a') },
  [Type.ImageImport]: { path: '/none' },
  [Type.ImagePull]: { reference: 'none' },
  [Type.ImageList]: {},
  [Type.ImageInspect]: { name: 'none' },
  [Type.ImageRemove]: { name: 'none' },
  [Type.RootfsList]: {},
  [Type.RootfsSet]: { name: 'none', remove: true },
  [Type.Events]: { handle: 'none' },
  [Type.Processes]: { handle: 'none' },
  [Type.LimitPids]: { handle: 'demo' },
};

/** The scene has no images; wardend always does. */
const ofImages: ReadonlySet<Type> = new Set([Type.ImageImport, Type.ImagePull, Type.ImageList, Type.ImageInspect, Type.ImageRemove, Type.RootfsList, Type.RootfsSet]);

test('no request is refused as unsupported, but those about images by a server without any', async () => {
  const server = new TestServer();
  try {
    await server.listener.listen();
    await server.scene.create({ handle: 'demo' });
    const client = await server.connect();
    for (const type of requestTypes) {
      const before = client.responses.length;
      client.socket.write(encodeRequest(type, requests[type]));
      await client.until(() => client.responses.length > before || client.closed);
      const response = client.responses[before];
      assert.ok(response !== undefined);
      const refused = response.type === Type.Error && errorOfResponse(response.response).code === 'unsupported';
      assert.equal(refused, ofImages.has(type), messageTypes[type].name);
    }
  } finally {
    await server.close();
  }
});
