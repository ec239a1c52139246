// The other thread of a blocking client: it has the promise client, and answers one question at a time.
import { type MessagePort, workerData } from 'node:worker_threads';
import { WardenError } from 'warden-protocol';
import { WardenClient } from '../client.js';
import { type Answer, plainError, type Question, SIGNAL, type WorkerSettings } from './messages.js';

interface Reading {
  readonly client: WardenClient;
  readonly output: Output;
  readonly pieces: AsyncIterator<object, void, void>;
}

/** A job's output, or the bytes of a file or archive. */
interface Output extends AsyncIterable<object, void, void> {
  result(): Promise<object>;
}

const { port, settings: { address, shared, ...options } } = workerData as { port: MessagePort; settings: WorkerSettings };
const signal = new Int32Array(shared);
const client = new WardenClient(address, options);
const readings = new Map<number, Reading>();
let opened = 0;

port.on('message', (question: Question) => {
  void answer(question).then((value) => tell({ value }), (reason: unknown) => tell({ error: plainError(reason) }));
});

// Whoever waits for an answer cannot see that this thread has ended.
process.on('exit', () => {
  Atomics.store(signal, SIGNAL.ended, 1);
  wake();
});

Atomics.store(signal, SIGNAL.started, 1);
wake();

function tell(message: Answer): void {
  if ('value' in message && message.value instanceof Uint8Array) {
    const own = new Uint8Array(message.value);
    port.postMessage({ value: own }, [own.buffer]);
  } else {
    port.postMessage(message, 'value' in message ? ownBytes(message.value) : []);
  }
  wake();
}

function wake(): void {
  Atomics.add(signal, SIGNAL.answers, 1);
  Atomics.notify(signal, SIGNAL.answers);
}

async function answer(question: Question): Promise<unknown> {
  switch (question.ask) {
    case 'call': return call(question.method, question.values);
    case 'open': return open(question.method, question.values);
    case 'next': {
      const { value } = await reading(question.reading).pieces.next();
      return value ?? undefined;
    }
    case 'result': return reading(question.reading).output.result();
    case 'leave': return leave(question.reading);
    case 'close':
      for (const number of [...readings.keys()]) await leave(number);
      return client.close();
  }
}

function call(method: string, values: readonly unknown[]): unknown {
  return apply(client, method, values);
}

function apply(own: WardenClient, method: string, values: readonly unknown[]): unknown {
  const names = method.split('.');
  const name = names.pop() ?? '';
  const target = names.reduce<unknown>((object, group) => (object as Record<string, unknown>)[group], own) as Record<string, unknown>;
  const found = target[name];
  if (typeof found !== 'function') throw new WardenError('invalid_argument', `there is no call ${method}`);
  return Reflect.apply(found, target, values);
}

/** On a connection of its own: other calls may be made while the output is read. */
function open(method: string, values: readonly unknown[]): number {
  const own = new WardenClient(address, options);
  const output = apply(own, method, values) as Output;
  readings.set(++opened, { client: own, output, pieces: output[Symbol.asyncIterator]() });
  return opened;
}

function reading(number: number): Reading {
  const found = readings.get(number);
  if (found === undefined) throw new WardenError('invalid_argument', 'this output has been read');
  return found;
}

async function leave(number: number): Promise<void> {
  const found = readings.get(number);
  if (found === undefined) return;
  readings.delete(number);
  await found.pieces.return?.();
  await found.client.close();
}

/** Bytes of an answer, each in memory of its own, which is handed over: a view would be sent with all that lies around it. */
function ownBytes(value: unknown): ArrayBuffer[] {
  if (typeof value !== 'object' || value === null) return [];
  const fields = value as Record<string, unknown>;
  return ['data', 'stdout', 'stderr'].flatMap((name) => {
    const bytes = fields[name];
    if (!(bytes instanceof Uint8Array)) return [];
    const own = new Uint8Array(bytes);
    fields[name] = own;
    return [own.buffer];
  });
}
