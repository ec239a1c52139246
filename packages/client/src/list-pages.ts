// A long list, page by page: a server answers a list with details in one piece only as long as that is not too long to be kept.
import { type ContainerSummary, type LabelFilter, Type } from 'warden-protocol';
import type { CallOptions } from './cancellation.js';
import type { WardenClient } from './client.js';

/** More than a server gives in one page. */
const PAGE_LIMIT = 1000;

export interface ListedContainers {
  readonly handles: readonly string[];
  /** The same containers, in the same order; none of a server that is too old to tell more than handles. */
  readonly containers: readonly ContainerSummary[];
}

/** Containers with what a table of them shows, in the order of their creation. A server that knows no pages gives all in one. The time of the options is that of each page. */
export async function listPages(client: WardenClient, labels: readonly LabelFilter[], options?: CallOptions): Promise<ListedContainers> {
  const handles: string[] = [];
  const containers: ContainerSummary[] = [];
  let after: string | undefined;
  do {
    const page = await client.request(Type.List, { labels, details: true, limit: PAGE_LIMIT, ...(after === undefined ? {} : { after }) }, options);
    for (const handle of page.handles) handles.push(handle);
    for (const container of page.containers) containers.push(container);
    // A server that told the same again and again would keep its client for ever.
    after = page.next === after ? undefined : page.next;
  } while (after !== undefined);
  return { handles, containers };
}
