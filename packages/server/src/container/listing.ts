/** list: the live containers, all or those with certain labels, by their handles or with what a table of them shows. Reads no file. */
import type { RequestOf, ResponseInit, Type } from 'warden-protocol';
import { timeOfContainerId } from '../lib/container-id.js';
import { formatIpv4Address } from '../lib/ipv4.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { netInOf, ttlLeftOf } from './info.js';
import { checkLabelFilters, hasLabels, labelsOf } from './labels.js';

/** @throws WardenError invalid_argument */
export function listContainers(containers: Containers, { labels, details }: RequestOf<Type.List>): ResponseInit<Type.List> {
  if (labels.length === 0 && details !== true) return { handles: containers.handles() };
  const wanted = checkLabelFilters(labels);
  const found = containers.all().filter((container) => hasLabels(container.labels, wanted));
  const handles = found.map(({ handle }) => handle);
  return details === true ? { handles, containers: found.map((container) => summaryOf(containers, container)) } : { handles };
}

function summaryOf(containers: Containers, container: Container): NonNullable<ResponseInit<Type.List>['containers']>[number] {
  let running = 0;
  for (const { exit } of container.jobs.values()) if (exit === undefined) running++;
  return {
    handle: container.handle,
    state: container.state,
    containerIp: formatIpv4Address(container.network.containerAddress),
    labels: labelsOf(container.labels),
    createdMs: timeOfContainerId(container.id),
    ttlLeftMs: ttlLeftOf(containers, container),
    rootfs: container.rootfsPath,
    netIn: netInOf(container),
    jobs: running,
  };
}
