// A server for users' own tests: speaks the protocol over a socket of its own and keeps containers, jobs, rules and limits,
// of which nothing is real. What a job does is a function of the test's. It needs no root, no kernel feature, no daemon.
import type { AnyRequest } from 'warden-protocol';
import { type FakeHandlers, FakeServer } from './fake-server.js';
import { type MockContainer, MockContainers } from './mock-containers.js';
import type { MockImages } from './mock-images.js';
import type { MockProgram } from './mock-job.js';

export interface MockServerOptions {
  /** What jobs do; they end at once with status 0 and no output unless given. */
  readonly program?: MockProgram | undefined;
  /** Handlers in place of the mock's own, or for requests that it does not know. */
  readonly handlers?: FakeHandlers | undefined;
}

/** A server whose containers, jobs, rules and limits are not real, and whose jobs are a function of the test's. */
export class MockServer {
  readonly #server: FakeServer;
  readonly #containers: MockContainers;

  /** Listens at a socket of its own, in a new directory. */
  static async listen({ program = () => 0, handlers }: MockServerOptions = {}): Promise<MockServer> {
    const containers = new MockContainers(program);
    return new MockServer(await FakeServer.listen({ ...containers.handlers(), ...handlers }), containers);
  }

  private constructor(server: FakeServer, containers: MockContainers) {
    this.#server = server;
    this.#containers = containers;
  }

  /** Its socket, for the address of a client. */
  get path(): string {
    return this.#server.path;
  }

  /** Every request there was, in the order of arrival. */
  get requests(): readonly AnyRequest[] {
    return this.#server.requests;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#server.open;
  }

  /** Containers by their handles. */
  get containers(): ReadonlyMap<string, MockContainer> {
    return this.#containers.all;
  }

  /** Images and names of root file systems. */
  get images(): MockImages {
    return this.#containers.images;
  }

  /** Something happens to a container: info lists it among its events, and watchers are told. */
  happen(handle: string, event: string): void {
    this.#containers.happen(handle, event);
  }

  /** The ttl of a container is over, whatever it was: it gets the event and is destroyed. The mock does not do so by itself. */
  expire(handle: string): void {
    this.#containers.expire(handle);
  }

  /** Breaks every connection, as a server that goes down does; clients connect again. */
  disconnectAll(): void {
    this.#server.disconnectAll();
  }

  /** Stops listening and removes its socket. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]();
  }
}
