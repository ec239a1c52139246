/*
 * warden as the simulation sees it: what a create, a run and a destroy do one after the other, on which thread and under which lock.
 *
 * Measured are, with one client: the time of each request, what of it the threads of the client, of wardend and of the launcher had a processor, and the
 * processor time of everybody concerned for a whole cycle. What is left of a request's time is the work of others (monitor, wshd, bash, the kernel),
 * which many can do at once; what the machine works beyond all requests is what the kernel and the daemon do behind them.
 */
import type { Request, Scene, Step } from './simulate.js';

/** Microseconds. */
export interface RequestTimes {
  readonly latency: number;
  readonly client: number;
  readonly wardend: number;
  readonly launcher: number;
}

export interface ServiceTimes {
  readonly create: RequestTimes;
  readonly run: RequestTimes;
  readonly destroy: RequestTimes;
  /** Of all processors, for one cycle of the three. */
  readonly machine: number;
  /** That the kernel's lock of network interfaces is held: for a create, and behind a destroy, when the network namespace is taken away. */
  readonly rtnl: { readonly create: number; readonly removal: number };
}

export const requestNames = ['create', 'run', 'destroy'] as const;

/** Of what is neither the client's nor wardend's: the part that is work, and the work that is done behind the requests, beside the removal of the namespace. */
export function restOf({ machine, rtnl, ...times }: ServiceTimes): { readonly workingPart: number; readonly later: number } {
  const all = requestNames.map((name) => times[name]);
  const elsewhere = machine - rtnl.removal - all.reduce((sum, { client, wardend }) => sum + client + wardend, 0);
  const waitedFor = all.reduce((sum, { latency, client, wardend }) => sum + latency - client - wardend, 0);
  const workingPart = Math.max(0, Math.min(1, elsewhere / waitedFor));
  return { workingPart, later: Math.max(0, elsewhere - workingPart * waitedFor) };
}

/** @param sharedClient all clients are one process, as in the benchmark */
export function cycleOf(times: ServiceTimes, sharedClient: boolean): Request[] {
  const { workingPart, later } = restOf(times);
  const client = (work: number): Step => (sharedClient ? { hold: 'client', steps: [{ work }] } : { work });
  const around = ({ client: clientWork, wardend }: RequestTimes, steps: readonly Step[]): Step[] => [
    client(clientWork / 2), { hold: 'wardend', steps: [{ work: wardend / 2 }] }, ...steps, { hold: 'wardend', steps: [{ work: wardend / 2 }] }, client(clientWork / 2),
  ];
  const elsewhere = ({ latency, client: clientWork, wardend }: RequestTimes): number => latency - clientWork - wardend;
  /** @param done work that is in that time, and stands elsewhere */
  const shared = (time: number, done: number): Step[] => [{ work: Math.max(0, time * workingPart - done) }, { wait: time * (1 - workingPart) }];
  const { create, run, destroy, rtnl } = times;
  const launcher = (work: number, under: number): Step => ({ hold: 'launcher', steps: [{ hold: 'RTNL', steps: [{ work: under }] }, { work: Math.max(0, work - under) }] });
  return [
    { name: 'create', steps: around(create, [launcher(create.launcher, rtnl.create), ...shared(elsewhere(create), create.launcher)]) },
    { name: 'run', steps: around(run, shared(elsewhere(run), 0)) },
    { name: 'destroy', steps: [
      ...around(destroy, [...shared(elsewhere(destroy), destroy.launcher), launcher(destroy.launcher, 0)]),
      { later: [{ hold: 'removal of namespaces', steps: [{ hold: 'RTNL', steps: [{ work: rtnl.removal }] }] }, { work: later }] },
    ] },
  ];
}

export function sceneOf(times: ServiceTimes, { processors, clients, sharedClient = false }: { readonly processors: number; readonly clients: number; readonly sharedClient?: boolean }): Scene {
  return { processors, clients, cycle: cycleOf(times, sharedClient), duration: 6e6, warmUp: 1e6, times: 'exponential', seed: 1 };
}
