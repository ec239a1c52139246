// IMAGE|ROOTFS of a command line: a directory, the name of one, an image that is there, or one that is fetched.
import { resolve } from 'node:path';
import { type ImageInspectResponse, WardenError } from 'warden-protocol';
import type { CommandContext } from '../commands.js';
import { dockerCredentials, registryOf } from '../image/docker-credentials.js';
import { withBar } from '../image/image-progress.js';

/** What a container is made of. */
export interface Base {
  /** The field of the create request; undefined is the server's own root file system. */
  readonly rootfs: string | undefined;
  /** What an image begins its command with, and the command it has when none is given. */
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

type Pull = 'missing' | 'always' | 'never';

const IMAGE = 'image:';
const DOCKER = 'docker://';

/** Codes of a server that has no such image, or no images at all. */
const ABSENT = new Set(['not_found', 'unsupported', 'invalid_argument']);

/** Fetches the image when that is wanted. Rejects with not_found and a hint when the name stands for nothing. */
export async function findBase(name: string | undefined, pull: string | undefined, context: CommandContext): Promise<Base> {
  if (name === undefined) return plain(undefined);
  if (/^\.{0,2}(?:\/|$)/.test(name)) return plain(resolve(name));
  const { client, signal } = context;
  const policy = (pull ?? 'missing') as Pull;
  if (name.startsWith(IMAGE)) return ofImage(await client.images.inspect({ name: name.slice(IMAGE.length) }, { signal }), name);
  const isReference = name.startsWith(DOCKER);
  const reference = isReference ? name.slice(DOCKER.length) : name;
  if (policy === 'always') return fetched(reference, context);
  const [rootfs, image] = await Promise.all([namedRootfs(context), inspected(reference, context)]);
  if (!isReference && rootfs.includes(name)) return plain(name);
  if (image !== undefined) return ofImage(image, `${IMAGE}${reference}`);
  if (policy === 'never') throw unknown(name);
  try {
    return await fetched(reference, context);
  } catch (reason) {
    const error = WardenError.from(reason);
    // A name without a host, and the server knows no registry to ask.
    if (error.code !== 'invalid_argument' && error.code !== 'unsupported') throw error;
    throw unknown(name, error);
  }
}

function plain(rootfs: string | undefined): Base {
  return { rootfs, entrypoint: [], command: [] };
}

function unknown(name: string, cause?: WardenError): WardenError {
  return new WardenError('not_found', `there is no image and no root file system named ${JSON.stringify(name)}${cause === undefined ? '' : `, and it cannot be fetched: ${cause.message}`}; warden image ls and warden rootfs ls list what is there`, { cause });
}

async function namedRootfs({ client, signal }: CommandContext): Promise<readonly string[]> {
  try {
    return (await client.rootfs.list({ signal })).rootfs.map(({ name = '' }) => name);
  } catch (reason) {
    return absent(reason, []);
  }
}

async function inspected(name: string, { client, signal }: CommandContext): Promise<ImageInspectResponse | undefined> {
  try {
    return await client.images.inspect({ name }, { signal });
  } catch (reason) {
    return absent(reason, undefined);
  }
}

function absent<T>(reason: unknown, none: T): T {
  const error = WardenError.from(reason);
  if (!ABSENT.has(error.code)) throw error;
  return none;
}

async function fetched(reference: string, context: CommandContext): Promise<Base> {
  const { client, signal, environment } = context;
  const auth = await dockerCredentials(registryOf(reference), environment ?? process.env);
  const { image } = await withBar(context, (progress) => client.images.pull({ reference, auth }, progress));
  const name = image?.names[0] ?? image?.id ?? reference;
  return ofImage(await client.images.inspect({ name: image?.id ?? name }, { signal }), `${IMAGE}${name}`);
}

/** Its configuration is its maker's: what does not look as it should is left out. */
function ofImage({ config }: ImageInspectResponse, rootfs: string): Base {
  const own = objectIn(config === undefined ? undefined : JSON.parse(config) as unknown, 'config');
  return { rootfs, entrypoint: wordsIn(own, 'Entrypoint'), command: wordsIn(own, 'Cmd') };
}

function objectIn(value: unknown, name: string): Readonly<Record<string, unknown>> {
  const found = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  return typeof found === 'object' && found !== null ? found as Record<string, unknown> : {};
}

function wordsIn(object: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const found = object[name];
  return Array.isArray(found) && found.every((word) => typeof word === 'string') ? found as string[] : [];
}
