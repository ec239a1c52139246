// `image VERB …` and `rootfs ls|add|rm`: images and named root file systems for people. The requests image_pull and so on have every field.
import { resolve } from 'node:path';
import type { ImageSummary } from 'warden-client';
import { WardenError } from 'warden-protocol';
import type { CommandContext } from '../commands.js';
import { printable } from '../print.js';
import { write } from '../streams.js';
import { type Column, table } from '../table.js';
import { dockerCredentials, registryOf } from './docker-credentials.js';
import { withBar } from './image-progress.js';
import { jsonText } from '../json-text.js';

interface Words {
  readonly arguments: readonly string[];
  /** -o json */
  readonly json: boolean;
  /** Values of the options that a verb has. */
  readonly options: ReadonlyMap<string, string>;
}

interface Verb {
  readonly usage: string;
  readonly fewest: number;
  readonly most: number;
  /** Options with a value. */
  readonly options?: readonly string[];
  readonly run: (words: Words, context: CommandContext) => Promise<string>;
}

const IMAGE_COLUMNS: readonly Column[] = [{ heading: 'NAME' }, { heading: 'ID' }, { heading: 'CREATED' }, { heading: 'SIZE', alignRight: true }, { heading: 'CONTAINERS', alignRight: true }];
const ID_SHOWN = 12;

const IMAGE_VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ['import', { usage: 'import FILE [--name NAME]', fewest: 1, most: 1, options: ['--name'], run: importImage }],
  ['pull', { usage: 'pull REFERENCE [--platform OS/ARCHITECTURE]', fewest: 1, most: 1, options: ['--platform'], run: pullImage }],
  ['ls', { usage: 'ls', fewest: 0, most: 0, run: listImages }],
  ['inspect', { usage: 'inspect NAME', fewest: 1, most: 1, run: inspectImage }],
  ['rm', { usage: 'rm NAME…', fewest: 1, most: 100, run: removeImages }],
]);

const ROOTFS_VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ['ls', { usage: 'ls', fewest: 0, most: 0, run: listRootfs }],
  ['add', { usage: 'add NAME DIRECTORY', fewest: 2, most: 2, run: addRootfs }],
  ['rm', { usage: 'rm NAME…', fewest: 1, most: 100, run: removeRootfs }],
]);

const COMMANDS: ReadonlyMap<string, ReadonlyMap<string, Verb>> = new Map([['image', IMAGE_VERBS], ['rootfs', ROOTFS_VERBS]]);

/** Commands and one line about each, for help. */
export const IMAGE_SUMMARIES: ReadonlyMap<string, string> = new Map([
  ['image', 'make, fetch and list images: image import|pull|ls|inspect|rm'],
  ['rootfs', 'names of root file systems: rootfs ls|add|rm'],
]);

/** The verbs of a command, for completion; undefined: it is none of these. */
export function imageVerbs(command: string): readonly string[] | undefined {
  const verbs = COMMANDS.get(command);
  return verbs === undefined ? undefined : [...verbs.keys()];
}

export function imageHelp(command: string): string {
  const usages = [...(COMMANDS.get(command)?.values() ?? [])].map(({ usage }) => `${command} ${usage}`).join('\n   or: ');
  const more = command === 'image'
    ? 'FILE is what docker save made, an OCI layout (a directory or its tar), or the tar of a root file system, plain or compressed by gzip or zstd.\nREFERENCE is HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]; credentials come from docker\'s configuration ($DOCKER_CONFIG, ~/.docker/config.json).\n'
    : 'create --rootfs NAME then stands for DIRECTORY. `warden rootfs build DIRECTORY` makes one.\n';
  return `${command}: ${IMAGE_SUMMARIES.get(command) ?? ''}\nusage: ${usages}\n\n${more}-o json prints JSON.\n`;
}

/** @throws WardenError invalid_argument for words that make no sense, or what the server answers */
export async function runImageCommand(command: string, words: readonly string[], context: CommandContext): Promise<number> {
  const [name = '', ...rest] = words;
  const verb = COMMANDS.get(command)?.get(name === 'list' ? 'ls' : name === 'remove' ? 'rm' : name);
  if (verb === undefined) throw new WardenError('invalid_argument', `usage: ${command} ${imageVerbs(command)?.join('|') ?? ''}; ${command} --help tells more`);
  const parsed = parseWords(command, verb, rest);
  // Names are those that an image's maker gave it.
  await write(context.streams.stdout, printable(await verb.run(parsed, context)));
  return 0;
}

function parseWords(command: string, verb: Verb, words: readonly string[]): Words {
  const usage = (): WardenError => new WardenError('invalid_argument', `usage: ${command} ${verb.usage} [-o json]`);
  const [values, options] = [[] as string[], new Map<string, string>()];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    const [, long, given] = /^(--[a-z]+)=(.*)$/s.exec(word) ?? [];
    const option = long ?? word;
    if (!option.startsWith('-') || option === '-') {
      values.push(word);
      continue;
    }
    const known = option === '-o' || verb.options?.includes(option) === true;
    const value = given ?? words[++at];
    if (!known || value === undefined || options.has(option)) throw usage();
    options.set(option, value);
  }
  if (values.length < verb.fewest || values.length > verb.most || !['json', 'text', undefined].includes(options.get('-o'))) throw usage();
  return { arguments: values, options, json: options.get('-o') === 'json' };
}

async function importImage({ arguments: [path = ''], options, json }: Words, context: CommandContext): Promise<string> {
  const name = options.get('--name');
  const { images } = await withBar(context, (progress) => context.client.images.import({ path: resolve(path), name }, progress));
  return json ? jsonText(images) : images.map((image) => `${label(image)}\n`).join('');
}

async function pullImage({ arguments: [reference = ''], options, json }: Words, context: CommandContext): Promise<string> {
  const auth = await dockerCredentials(registryOf(reference), context.environment ?? process.env);
  const { image, manifestDigest } = await withBar(context, (progress) => context.client.images.pull({ reference, auth, platform: options.get('--platform') }, progress));
  if (json) return jsonText({ image, manifestDigest });
  return image === undefined ? '' : `${label(image)}\n`;
}

async function listImages({ json }: Words, { client, signal }: CommandContext): Promise<string> {
  const { images } = await client.images.list({ signal });
  if (json) return jsonText(images);
  return table(IMAGE_COLUMNS, images.flatMap((image) => (image.names.length === 0 ? ['-'] : image.names).map((name) => [name, shortId(image), created(image), size(image), String(image.containers ?? 0)])));
}

async function inspectImage({ arguments: [name = ''] }: Words, { client, signal }: CommandContext): Promise<string> {
  const { image, config, source, manifestDigest } = await client.images.inspect({ name }, { signal });
  return jsonText({ ...image, source, manifestDigest, config: config === undefined ? undefined : JSON.parse(config) as unknown });
}

async function removeImages({ arguments: names, json }: Words, { client, signal }: CommandContext): Promise<string> {
  const removed = [];
  for (const name of names) removed.push(await client.images.remove({ name }, { signal }));
  if (json) return jsonText(removed);
  return removed.flatMap(({ untagged, removed: id }) => [...untagged.map((name) => `untagged ${name}\n`), ...(id === undefined ? [] : [`removed ${id}\n`])]).join('');
}

async function listRootfs({ json }: Words, { client, signal }: CommandContext): Promise<string> {
  const { rootfs } = await client.rootfs.list({ signal });
  return json ? jsonText(rootfs) : table([{ heading: 'NAME' }, { heading: 'DIRECTORY' }], rootfs.map(({ name, path }) => [name ?? '', path ?? '']));
}

async function addRootfs({ arguments: [name = '', path = ''] }: Words, { client, signal }: CommandContext): Promise<string> {
  await client.rootfs.add({ name, path: resolve(path) }, { signal });
  return '';
}

async function removeRootfs({ arguments: names }: Words, { client, signal }: CommandContext): Promise<string> {
  for (const name of names) await client.rootfs.remove({ name }, { signal });
  return '';
}

function label(image: ImageSummary): string {
  return [image.names.join(' '), image.id ?? ''].filter((part) => part !== '').join('  ');
}

function shortId({ id = '' }: ImageSummary): string {
  return id.replace(/^sha256:/, '').slice(0, ID_SHOWN);
}

function created({ createdMs }: ImageSummary): string {
  const date = new Date(Number(createdMs ?? NaN));
  return Number.isNaN(date.getTime()) ? '-' : date.toISOString().slice(0, 10);
}

/** In the largest unit of which there is one. */
function size({ sizeBytes = 0n }: ImageSummary): string {
  let value = Number(sizeBytes);
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (value < 1024) return `${unit === 'B' ? value : value.toFixed(1)} ${unit}`;
    value /= 1024;
  }
  return `${value.toFixed(1)} TiB`;
}
