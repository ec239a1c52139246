// `events`: what happens to containers, a line each, until it is interrupted.
import { type BoxEvent, signalName, Warden } from 'warden-client';
import { type RequestOf, type Type, WardenError } from 'warden-protocol';
import type { CommandContext } from './commands.js';
import { jsonLine } from './json-text.js';
import { printable } from './print.js';
import { write } from './streams.js';

export async function showEvents({ handle }: RequestOf<Type.Events>, { client, streams, signal, json }: CommandContext): Promise<number> {
  // On a connection of its own: this one goes on with other commands afterwards.
  await using warden = new Warden(client.address, { traceparent: client.traceparent });
  try {
    for await (const event of await warden.events({ handle, signal })) await write(streams.stdout, json === true ? jsonLine({ ...event, time: event.time.toISOString() }) : `${printable(lineOf(event))}\n`);
  } catch (reason) {
    const error = WardenError.from(reason);
    if (error.code !== 'canceled') throw error;
  }
  return 0;
}

/** Time in UTC, handle, kind, and what there is to say beside. */
export function lineOf(event: BoxEvent): string {
  const missed = event.missed === undefined ? '' : ` (${event.missed} before it were missed)`;
  return `${event.time.toISOString()} ${event.handle} ${event.kind}${detailsOf(event)}${missed}`;
}

function detailsOf(event: BoxEvent): string {
  switch (event.kind) {
    case 'event': return ` ${event.event}`;
    case 'job_started': return ` ${event.jobId}`;
    case 'job_ended': return ` ${event.jobId} ${event.timedOut === true ? 'timed out' : event.lost === true ? 'lost' : event.signal === undefined ? `status ${event.exitStatus}` : signalName(event.signal)}`;
    default: return '';
  }
}
