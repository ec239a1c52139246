// `inspect`: everything that is known of containers.
import { type LimitsInForce, Warden } from 'warden-client';
import { type JobsResponse, messageTypes, type InfoResponse, Type, WardenError } from 'warden-protocol';
import { jsonText } from '../json-text.js';
import { printable, printedFields } from '../print.js';
import { write } from '../streams.js';
import type { Call, Subcommand } from '../subcommand/subcommand.js';
import { plainMessage } from './plain.js';

const MOST_HANDLES = 1000;

export const inspectCommand: Subcommand = {
  name: 'inspect',
  summary: 'show everything that is known of containers',
  usage: '[OPTION…] HANDLE…',
  options: { field: { short: 'f', value: 'FIELD', about: 'one field alone, a line for each container: container_ip, limits.memory_bytes, jobs.0.state' } },
  fewest: 1,
  most: MOST_HANDLES,
  json: true,
  operandKind: 'handle',
  notes: 'Prints JSON, a list with an element for each container; -o table prints the fields that info prints.',
  run: inspect,
};

interface Inspected {
  readonly handle: string;
  readonly info: InfoResponse;
  readonly limits: LimitsInForce;
  readonly jobs: JobsResponse;
}

async function inspect(call: Call): Promise<number> {
  const { stdout } = call.context.streams;
  const path = call.value('field');
  const asTable = call.value('output') === 'table';
  const all: object[] = [];
  for (const handle of call.operands) {
    const inspected = await look(handle, call);
    if (path !== undefined) await write(stdout, `${fieldText(plain(inspected), path, handle)}\n`);
    else if (asTable) await write(stdout, Buffer.concat([Buffer.from(`handle : ${printable(handle)}\n`), printedFields(messageTypes[Type.Info].response, inspected.info)]));
    else all.push(plain(inspected));
  }
  if (path === undefined && !asTable) await write(stdout, jsonText(all));
  return 0;
}

async function look(handle: string, { context: { client, signal } }: Call): Promise<Inspected> {
  await using box = await new Warden(client.address, { traceparent: client.traceparent }).get(handle, { signal });
  // The limit of a container that ends meanwhile is an error; what there is of it comes from one moment or not at all.
  const [info, limits, jobs] = await Promise.all([client.info({ handle }, { signal }), box.limits({ signal }), client.jobs({ handle }, { signal })]);
  return { handle, info, limits, jobs };
}

function plain({ handle, info, limits, jobs }: Inspected): object {
  return { handle, ...plainMessage(messageTypes[Type.Info].response, info), limits, jobs: plainMessage(messageTypes[Type.Jobs].response, jobs)['jobs'] };
}

/** @throws WardenError invalid_argument for a field that is not there */
function fieldText(value: object, path: string, handle: string): string {
  let found: unknown = JSON.parse(jsonText(value));
  for (const name of path.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) throw new WardenError('invalid_argument', `${handle} has no ${path}; inspect ${handle} shows what it has`);
    found = (found as Record<string, unknown>)[name];
  }
  return printable(typeof found === 'string' ? found : JSON.stringify(found));
}
