/*
 * A server of whatever make, known by its socket alone: what test/e2e/compatibility runs against. With WARDEN_COMPATIBILITY_SOCKET in the
 * environment that is the one that listens there, whose other containers nobody touches; else a daemon of the file's own, with the scan
 * for what a test leaves behind. WARDEN_COMPATIBILITY_WITHOUT names what the server is known to lack: those tests are left out.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { CAPABILITIES } from './capabilities.js';
import type { Capability } from './capabilities.js';
import { Client, RequestError } from './client.js';
import type { CreateOptions, Info } from './client.js';
import { useServer } from './fixture.js';

export const socketOfOther = process.env['WARDEN_COMPATIBILITY_SOCKET'];
const lacking = new Set((process.env['WARDEN_COMPATIBILITY_WITHOUT'] ?? '').split(',').filter((name) => name !== ''));
for (const name of lacking) assert.ok(name in CAPABILITIES, `WARDEN_COMPATIBILITY_WITHOUT: there is no capability ${name}`);

export interface AnyServer {
  readonly socket: string;
  /** On the machine of both, for files that the server is to find. */
  readonly directory: string;
  connect(): Promise<Client>;
  /** A connection and a container on it. */
  container(options?: CreateOptions): Promise<{ client: Client; handle: string }>;
  /** A handle that nobody else has. */
  name(text: string): string;
}

/** Whether the server is expected to have it. */
export function has(capability: Capability): boolean {
  return !lacking.has(capability);
}

/** A test of what not every server has. */
export function testWith(capabilities: readonly Capability[], name: string, work: () => Promise<void>): void {
  if (capabilities.every(has)) test(name, work);
}

/** The request is answered by an error with this text. */
export async function says(request: Promise<unknown>, message: RegExp): Promise<RequestError> {
  const error = await request.then(() => assert.fail(`expected an error with ${message}, got an answer`), (reason: unknown) => reason);
  if (!(error instanceof RequestError)) throw error;
  assert.match(error.message, message);
  return error;
}

/** And with this code, which is ours: other servers may send none. */
export async function refused(request: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  const error = await says(request, message);
  if (has('better')) assert.equal(error.code, code, error.message);
}

/** The events of what has happened; a server without isolation has one in each container that says just that. */
export function happened({ events }: Pick<Info, 'events'>): string[] {
  return events.filter((event) => !event.startsWith('INSECURE: '));
}

let names = 0;
const name = (text: string): string => `${text}-${process.pid.toString(36)}${(names++).toString(36)}`;

class OtherServer implements AnyServer {
  readonly socket: string;
  #directory: string | undefined;
  #control: Client | undefined;
  readonly #clients = new Set<Client>();
  readonly #handles = new Set<string>();

  constructor(socket: string) {
    this.socket = socket;
  }

  get directory(): string {
    assert.ok(this.#directory);
    return this.#directory;
  }

  name = name;

  async open(): Promise<void> {
    this.#directory = mkdtempSync(join(tmpdir(), 'warden-compatibility-'));
    this.#control = await Client.connect(this.socket);
    await this.#control.ping();
  }

  async connect(): Promise<Client> {
    const client = await Client.connect(this.socket);
    client.onCreated = (handle) => void this.#handles.add(handle);
    this.#clients.add(client);
    return client;
  }

  async container(options: CreateOptions = {}): Promise<{ client: Client; handle: string }> {
    const client = await this.connect();
    return { client, handle: await client.create(options) };
  }

  /** Only what the test has made is removed. */
  async afterEach(): Promise<void> {
    for (const client of this.#clients) client.close();
    this.#clients.clear();
    const control = this.#control;
    assert.ok(control);
    for (const handle of this.#handles) {
      await control.destroy(handle).catch((error: unknown) => {
        if (!(error instanceof RequestError) || error.message !== 'unknown handle') throw error;
      });
    }
    const left = (await control.list()).filter((handle) => this.#handles.has(handle));
    this.#handles.clear();
    assert.deepEqual(left, [], 'containers that cannot be destroyed');
  }

  close(): void {
    this.#control?.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function useOther(socket: string): AnyServer {
  const server = new OtherServer(socket);
  before(() => server.open());
  afterEach(() => server.afterEach());
  after(() => server.close());
  return server;
}

function useOwn(): AnyServer {
  const server = useServer({}, (fixture) => void mkdirSync(join(fixture.slot.directory, 'host'), { mode: 0o755 }));
  return {
    get socket() { return server.paths.socket; },
    get directory() { return join(server.slot.directory, 'host'); },
    connect: () => server.connect(),
    container: (options) => server.container(options),
    name,
  };
}

/** Call once at the top of a test file. */
export function useAnyServer(): AnyServer {
  return socketOfOther === undefined ? useOwn() : useOther(socketOfOther);
}
