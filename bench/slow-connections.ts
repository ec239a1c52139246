/* A thousand connections that send a byte a second each and are never done with their request. */
import { once } from 'node:events';
import net from 'node:net';
import { encodeRequest, Type } from 'warden-protocol';

const GROUPS = 20;

export async function withSlowConnections<T>(path: string, count: number, work: () => Promise<T>): Promise<T> {
  const sockets = await Promise.all(Array.from({ length: count }, async () => {
    const socket = net.connect(path);
    await once(socket, 'connect');
    return socket;
  }));
  const request = encodeRequest(Type.Echo, { message: 'x'.repeat(1000) });
  let group = 0;
  const timer = setInterval(() => {
    const at = Math.floor(group / GROUPS);
    for (let index = group % GROUPS; index < sockets.length; index += GROUPS) sockets[index]?.write(request.subarray(at, at + 1));
    group++;
  }, 1000 / GROUPS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    for (const socket of sockets) socket.destroy();
  }
}
