import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { encodeRequest, Type, type EventsResponse } from 'warden-protocol';
import type { RecordingMonitor } from '../container/recording-monitor.js';
import { TestServer, type TestClient } from './test-server.js';

function told({ responses }: TestClient): Omit<EventsResponse, 'timeMs'>[] {
  return responses.filter(({ type }) => type === Type.Events).map(({ response }) => {
    const { timeMs, ...rest } = response as EventsResponse;
    assert.ok(timeMs > 1_700_000_000_000n);
    return rest;
  });
}

test('events tell what happens to containers and their jobs, in order', async () => {
  const server = new TestServer();
  try {
    await server.listener.listen();
    await server.scene.create({ handle: 'earlier' });
    const [all, one] = [await server.connect(), await server.connect()];
    all.socket.write(encodeRequest(Type.Events, {}));
    one.socket.write(encodeRequest(Type.Events, { handle: 'earlier' }));
    await all.until(() => all.responses.length === 1);
    await one.until(() => one.responses.length === 1);

    const client = await server.connect();
    client.socket.write(Buffer.concat([encodeRequest(Type.Create, { handle: 'h' }), encodeRequest(Type.Spawn, { handle: 'h', script: 'x' })]));
    await client.until(() => client.responses.length === 2);
    const { jobId } = client.responses[1]?.response as { jobId: number };
    const container = server.scene.containers.get('h');
    const monitor = server.scene.host.living.get(container.id) as RecordingMonitor;
    monitor.end(jobId, { kind: 'signalled', signal: 9 });
    await all.until(() => all.responses.length >= 4);
    container.addEvent('something');
    container.addEvent('something');
    client.socket.write(Buffer.concat([encodeRequest(Type.Stop, { handle: 'h', kill: true }), encodeRequest(Type.Destroy, { handle: 'h' }), encodeRequest(Type.Destroy, { handle: 'earlier' })]));
    await one.until(() => one.responses.length === 3);
    await all.until(() => all.responses.length >= 9);
    const handle = 'h';
    assert.deepEqual(told(all).filter((event) => event.handle !== 'earlier'), [
      { kind: 'listening' }, { kind: 'created', handle }, { kind: 'job_started', handle, jobId }, { kind: 'job_ended', handle, jobId, exitStatus: 255, signal: 9 },
      { kind: 'event', handle, event: 'something' }, { kind: 'stopped', handle }, { kind: 'destroyed', handle },
    ]);
    assert.deepEqual(told(one), [{ kind: 'listening' }, { kind: 'stopped', handle: 'earlier' }, { kind: 'destroyed', handle: 'earlier' }]);
  } finally {
    await server.close();
  }
});

test('a client that does not read is told how many events it missed, and costs no more than a thousand', async () => {
  const server = new TestServer();
  try {
    await server.listener.listen();
    const client = await server.connect();
    client.socket.write(encodeRequest(Type.Events, {}));
    await client.until(() => client.responses.length === 1);
    client.socket.pause();
    const most = 20_000;
    const text = 'x'.repeat(1000);
    for (let count = 0; count < most; count++) server.scene.containers.happenings.tell('h', { kind: 'event', event: text });
    client.socket.resume();
    await client.until(() => client.responses.length > 1000);
    let seen = 0;
    await client.until(() => {
      // One more now and then, because only the next event says how many were missed.
      if (client.responses.length !== seen) server.scene.containers.happenings.tell('h', { kind: 'event', event: 'last' });
      seen = client.responses.length;
      const events = told(client).slice(1);
      return events.some(({ missed }) => missed !== undefined);
    });
    const events = told(client).slice(1);
    const missed = events.reduce((sum, event) => sum + (event.missed ?? 0), 0);
    const whole = events.filter(({ event }) => event === text).length;
    assert.equal(whole + missed, most);
    assert.ok(whole < most);
  } finally {
    await server.close();
  }
});

test('nobody is told anything when the client has gone, or the server ends', async () => {
  const server = new TestServer();
  try {
    await server.listener.listen();
    const [gone, left] = [await server.connect(), await server.connect()];
    for (const client of [gone, left]) {
      client.socket.write(encodeRequest(Type.Events, {}));
      await client.until(() => client.responses.length === 1);
    }
    gone.socket.destroy();
    await once(gone.socket, 'close');
    await server.listener.drain(60_000);
    await left.until(() => left.closed);
    server.scene.containers.happenings.tell('h', { kind: 'created' });
    assert.equal(left.responses.length, 1);
  } finally {
    await server.close();
  }
});
