/**
 * list: the live containers, all or those with certain labels, by their handles or with what a table of them shows; whole or in pages.
 * Reads no file. It is worked out in pieces which are soon done, because what a thousand containers with many labels have to tell
 * is megabytes, and others want an answer meanwhile.
 */
import { WardenError, type RequestOf, type ResponseInit, type Type } from 'warden-protocol';
import { isContainerId } from '../lib/container-id.js';
import { formatIpv4Address } from '../lib/ipv4.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { createdMsOf, netInOf, ttlLeftOf } from './info.js';
import { checkLabelFilters, hasLabels, labelsOf } from './labels.js';

export type ListPiece = ResponseInit<Type.List>;

/** Containers in one piece, or page: their handles alone, or with details. */
const mostHandles = 5_000;
const mostDetails = 250;

/** Characters in one piece, or page, of details, unless a single container has more. */
const mostCharacters = 128 * 1024;

/** What a container has to tell beside its texts. */
const charactersBeside = 100;
const charactersOfPort = 20;

/**
 * The pieces, one after the other: a single one when a page is asked for. A container that is destroyed meanwhile is in no later piece.
 * @throws WardenError invalid_argument, at once
 */
export function listContainers(containers: Containers, { labels, details, limit, after }: RequestOf<Type.List>): Iterator<ListPiece, void> {
  const wanted = checkLabelFilters(labels);
  if (limit === 0) throw new WardenError('invalid_argument', 'limit: a page has at least one container; leave it out for as many as the server finds good');
  if (after !== undefined && !isContainerId(after)) throw new WardenError('invalid_argument', 'after: this is no text that an answer of list had as next');
  const withDetails = details === true;
  const isWanted = (container: Container): boolean => hasLabels(container.labels, wanted);
  if (limit === undefined && after === undefined) return piecesOf(containers, labels.length === 0 ? containers.all() : containers.all().filter(isWanted), withDetails);
  // In the order of their ids, so that whatever comes and goes between two pages, each container that stays is in one of them.
  const found = containers.all().filter((container) => container.id > (after ?? '') && isWanted(container)).sort((one, other) => (one.id < other.id ? -1 : 1));
  return pageOf(containers, found, withDetails, limit);
}

function* piecesOf(containers: Containers, found: readonly Container[], withDetails: boolean): Iterator<ListPiece, void> {
  let from = 0;
  do {
    const end = endOfPiece(found, from, withDetails);
    // Those of the first piece have had no time to go.
    yield pieceOf(containers, from === 0 ? found.slice(0, end) : found.slice(from, end).filter((container) => containers.has(container)), withDetails);
    from = end;
  } while (from < found.length);
}

function* pageOf(containers: Containers, found: readonly Container[], withDetails: boolean, limit: number | undefined): Iterator<ListPiece, void> {
  const end = Math.min(endOfPiece(found, 0, withDetails), limit ?? found.length);
  const next = end < found.length ? found[end - 1]?.id : undefined;
  yield { ...pieceOf(containers, found.slice(0, end), withDetails), ...(next === undefined ? {} : { next }) };
}

function endOfPiece(found: readonly Container[], from: number, withDetails: boolean): number {
  if (!withDetails) return Math.min(found.length, from + mostHandles);
  let characters = 0;
  for (let at = from; at < found.length; at++) {
    characters += charactersOf(found[at] as Container);
    if (at > from && (characters > mostCharacters || at - from === mostDetails)) return at;
  }
  return found.length;
}

function charactersOf({ handle, rootfsPath, labels, netIn }: Container): number {
  let characters = charactersBeside + handle.length + rootfsPath.length + charactersOfPort * netIn.length;
  for (const [key, value] of labels) characters += key.length + value.length;
  return characters;
}

function pieceOf(containers: Containers, found: readonly Container[], withDetails: boolean): ListPiece {
  const handles = found.map(({ handle }) => handle);
  return withDetails ? { handles, containers: found.map((container) => summaryOf(containers, container)) } : { handles };
}

function summaryOf(containers: Containers, container: Container): NonNullable<ListPiece['containers']>[number] {
  let running = 0;
  for (const { exit } of container.jobs.values()) if (exit === undefined) running++;
  return {
    handle: container.handle,
    state: container.state,
    containerIp: formatIpv4Address(container.network.containerAddress),
    labels: labelsOf(container.labels),
    createdMs: createdMsOf(container),
    ttlLeftMs: ttlLeftOf(containers, container),
    rootfs: container.rootfsPath,
    netIn: netInOf(container),
    jobs: running,
  };
}
