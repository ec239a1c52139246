/* Debian's docker-registry on a port of the loopback, with a storage of its own, and pushes to it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { sha256, type SmallImage } from './small-image.js';
import { withDeadline } from './wait.js';

export interface RegistryOptions {
  /** Where it keeps everything. */
  readonly directory: string;
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** The `auth` section of its configuration. */
  readonly auth?: object;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

export class DockerRegistry {
  readonly #child: ChildProcess;
  readonly #options: RegistryOptions;
  readonly port: number;

  private constructor(child: ChildProcess, port: number, options: RegistryOptions) {
    this.#child = child;
    this.port = port;
    this.#options = options;
  }

  static async start(options: RegistryOptions): Promise<DockerRegistry> {
    const { directory, tls, auth } = options;
    mkdirSync(join(directory, 'storage'), { recursive: true });
    const path = join(directory, 'registry.yml');
    writeFileSync(path, JSON.stringify({
      version: 0.1, log: { level: 'info' }, storage: { filesystem: { rootdirectory: join(directory, 'storage') } },
      http: { addr: '127.0.0.1:0', secret: 'of this test', ...(tls === undefined ? {} : { tls }) }, ...(auth === undefined ? {} : { auth }),
    }));
    const child = spawn('docker-registry', ['serve', path], { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env['PATH'], OTEL_TRACES_EXPORTER: 'none' } });
    if (child.stderr === null) throw new Error('docker-registry could not be started');
    const said: string[] = [];
    const port = await withDeadline(new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (status) => reject(new Error(`docker-registry ended with ${status}: ${said.join('\n')}`)));
      createInterface({ input: child.stderr as NonNullable<typeof child.stderr> }).on('line', (line) => {
        said.push(line);
        const [, number] = /listening on \S+:(\d+)/.exec(line) ?? [];
        if (number !== undefined) resolve(Number(number));
      });
    }), 20_000, 'docker-registry listening');
    return new DockerRegistry(child, port, options);
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The file in which it keeps a blob. */
  blobPath(digest: string): string {
    const hex = digest.replace('sha256:', '');
    return join(this.#options.directory, 'storage/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
  }

  /** @returns the digest of the manifest */
  async push(repository: string, tag: string, { layers, config }: SmallImage, authorization?: string): Promise<string> {
    for (const { compressed, digest } of layers) await this.#upload(repository, digest, compressed, authorization);
    await this.#upload(repository, sha256(config), config, authorization);
    const manifest = Buffer.from(JSON.stringify({
      schemaVersion: 2, mediaType: manifestType,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256(config), size: config.length },
      layers: layers.map(({ digest, compressed }) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: compressed.length })),
    }));
    await this.#send('PUT', `/v2/${repository}/manifests/${tag}`, 201, manifest, { 'content-type': manifestType, ...(authorization === undefined ? {} : { authorization }) });
    return sha256(manifest);
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  async #upload(repository: string, digest: string, content: Buffer, authorization: string | undefined): Promise<void> {
    const headers = authorization === undefined ? {} : { authorization };
    const location = await this.#send('POST', `/v2/${repository}/blobs/uploads/`, 202, Buffer.alloc(0), headers);
    const url = new URL(location ?? '', `http://${this.host}`);
    url.searchParams.set('digest', digest);
    await this.#send('PUT', `${url.pathname}${url.search}`, 201, content, { 'content-type': 'application/octet-stream', ...headers });
  }

  /** @returns where the reply leads */
  #send(method: string, path: string, status: number, body: Buffer, headers: Readonly<Record<string, string>>): Promise<string | undefined> {
    const { tls } = this.#options;
    const options = { host: '127.0.0.1', port: this.port, method, path, headers: { ...headers, 'content-length': body.length } };
    return new Promise((resolve, reject) => {
      const request = tls === undefined ? requestPlain(options) : requestSecure({ ...options, ca: readFileSync(tls.certificate) });
      request.once('error', reject);
      request.once('response', (reply) => {
        let said = '';
        reply.on('data', (chunk: Buffer) => { said += chunk.toString(); });
        reply.once('end', () => reply.statusCode === status ? resolve(reply.headers.location) : reject(new Error(`${method} ${path}: ${reply.statusCode} ${said}`)));
      });
      request.end(body);
    });
  }
}
