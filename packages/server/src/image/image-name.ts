/**
 * Names of images: `[HOST[:PORT]/]PATH[:TAG]`, and references to those of a registry, which may end in `@DIGEST`. Pure.
 * The grammar is that of the registries' own API (distribution, reference.go), with a limit on every part.
 */
import { WardenError } from 'warden-protocol';
import { parseDigest, type Digest } from '../lib/digest.js';

/** A name without its host may be so long; the API's own limit. */
const pathLimitInBytes = 255;
const textLimitInBytes = 1024;
const defaultTag = 'latest';

export interface ImageName {
  /** HOST or HOST:PORT; undefined: the name has none. */
  readonly host: string | undefined;
  readonly path: string;
  readonly tag: string;
}

/** An image of a registry, by a tag or by the digest of its manifest. */
export interface ImageReference extends ImageName {
  readonly digest: Digest | undefined;
}

/** @throws WardenError invalid_argument */
export function parseImageName(text: string): ImageName {
  const { digest, ...name } = parseImageReference(text);
  if (digest !== undefined) throw refused(text, 'a name ends in a tag, not in a digest');
  return name;
}

/** @throws WardenError invalid_argument */
export function parseImageReference(text: string): ImageReference {
  if (Buffer.byteLength(text) > textLimitInBytes) throw refused(`${text.slice(0, 60)}…`, `it is longer than ${textLimitInBytes} bytes`);
  const [named = '', digestText, ...surplus] = text.split('@');
  const digest = digestText === undefined ? undefined : parseDigest(digestText);
  if (surplus.length > 0 || (digestText !== undefined && digest === undefined)) throw refused(text, 'behind @ there has to be sha256: and 64 hexadecimal digits');
  const slash = named.indexOf('/');
  const first = named.slice(0, Math.max(slash, 0));
  // What could be a part of the path is one, unless it looks like a host: that is how these names have always been read.
  const host = slash > 0 && (/[.:]/.test(first) || first === 'localhost') ? first : undefined;
  const rest = host === undefined ? named : named.slice(slash + 1);
  if (host !== undefined && !isHost(host)) throw refused(text, `${host} is no HOST or HOST:PORT`);
  const [path = '', tag = defaultTag, ...more] = rest.split(':');
  if (more.length > 0 || !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(tag)) throw refused(text, 'a tag has up to 128 letters, digits, dots, - and _');
  if (path.length > pathLimitInBytes || !path.split('/').every((part) => /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/.test(part))) {
    throw refused(text, 'a path has lower-case letters and digits, with single dots, - and _ between them, and parts separated by /');
  }
  return { host, path, tag, digest };
}

/** The one text of a name, always with its tag. */
export function canonicalName({ host, path, tag }: ImageName): string {
  return `${host === undefined ? '' : `${host}/`}${path}:${tag}`;
}

/** As a name, but by its digest when it has one. */
export function canonicalReference(reference: ImageReference): string {
  return reference.digest === undefined ? canonicalName(reference) : `${canonicalName(reference)}@${reference.digest}`;
}

function isHost(text: string): boolean {
  const match = /^(?:\[([0-9a-fA-F:]{2,39})\]|([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?))(?::([0-9]{1,5}))?$/.exec(text);
  if (match === null || (match[2] ?? '').includes('..')) return false;
  return match[3] === undefined || (Number(match[3]) >= 1 && Number(match[3]) <= 65_535);
}

function refused(text: string, why: string): WardenError {
  return new WardenError('invalid_argument', `${JSON.stringify(text)} names no image: ${why}`);
}
