/**
 * The registry process: one for each pull, so that what strangers send is read and hashed outside of wardend, by somebody who owns
 * nothing but the directory it was started in. wardend tells what to fetch, and this what has come. It ends with wardend.
 */
import { chownSync, readFileSync, rmSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { WardenError } from 'warden-protocol';
import type { Digest } from '../lib/digest.js';
import { layerFileName, type FromRegistry, type RegistryStart, type ToRegistry } from '../lib/registry-messages.js';
import { RegistryApi } from './api.js';
import { Hosts } from './hosts.js';
import { downloadLayer } from './layer-download.js';
import { removeLeftovers } from './leftovers.js';
import { ownPlatform } from './manifests.js';
import { resolveImage } from './resolve.js';
import { Transport } from './transport.js';

/** nobody: owns nothing else. */
const nobody = 65_534;
const messageLimit = 4000;
const systemAuthorities = '/etc/ssl/certs/ca-certificates.crt';

let api: RegistryApi | undefined;

function tell(message: FromRegistry): void {
  if (process.connected) process.send?.(message, () => undefined);
}

function tellFailure(error: unknown, digest?: Digest): void {
  const { code, message } = WardenError.from(error);
  tell({ type: 'failed', code, message: message.slice(0, messageLimit), ...(digest === undefined ? {} : { digest }) });
}

/** Before the rights are gone: nobody else need be able to read them. */
function authorities(own: string | undefined): string[] {
  const read = (path: string, isNeeded: boolean): string[] => {
    try {
      return [readFileSync(path, 'utf8')];
    } catch (error) {
      if (!isNeeded) return [];
      throw new WardenError('invalid_argument', `images.registry_ca: ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  };
  return [...rootCertificates, ...read(systemAuthorities, false), ...(own === undefined ? [] : read(own, true))];
}

/** The directory becomes nobody's own, and it is all that is left. */
function giveUpRights(): void {
  if (process.geteuid?.() !== 0) return;
  chownSync('.', nobody, nobody);
  process.setgroups?.([]);
  process.setgid?.(nobody);
  process.setuid?.(nobody);
}

async function start(order: RegistryStart): Promise<void> {
  const { host, repository, reference, username, password, identityToken, insecureRegistries, caPath, silenceMs, layerLimitInBytes, imageLimitInBytes } = order;
  const hosts = new Hosts(host, insecureRegistries);
  const transport = new Transport({ hosts, ca: authorities(caPath), silenceMs });
  giveUpRights();
  removeLeftovers('.', layerLimitInBytes);
  api = new RegistryApi({ host, repository, credentials: { username, password, identityToken }, transport, hosts });
  const { manifestDigest, config, layers } = await resolveImage(api, reference, order.platform ?? ownPlatform(), { layerLimitInBytes, imageLimitInBytes });
  tell({ type: 'resolved', manifestDigest, config: config.toString('base64'), layers: [...layers] });
}

async function fetchLayer(digest: Digest, sizeInBytes: number): Promise<void> {
  if (api === undefined) throw new WardenError('internal', 'nothing was begun');
  await downloadLayer(api, '.', { digest, sizeInBytes }, (doneInBytes) => tell({ type: 'progress', digest, doneInBytes }));
  tell({ type: 'fetched', digest });
}

function receive(message: ToRegistry): void {
  switch (message.type) {
    case 'start':
      start(message).catch((error: unknown) => tellFailure(error));
      return;
    case 'fetch':
      fetchLayer(message.digest, message.sizeInBytes).catch((error: unknown) => tellFailure(error, message.digest));
      return;
    case 'drop':
      rmSync(layerFileName(message.digest), { force: true });
  }
}

process.on('disconnect', () => process.exit(0));
process.on('message', (message) => receive(message as ToRegistry));
