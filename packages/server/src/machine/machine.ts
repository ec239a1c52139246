/** What main.ts needs of a kind of machine: the host that containers are made on, and what has to be done there besides. */
import type { Configuration } from '../config/configuration.js';
import type { Containers } from '../container/containers.js';
import type { Host } from '../host/host.js';
import type { Log } from '../lib/log.js';
import type { JobIds } from '../pool/job-ids.js';
import type { Images } from '../server/image-handlers.js';
import type { MetricsSources } from '../server/metrics.js';

/** Shares of the time for the end, by which each of its steps is over, whatever clients, monitors and disks do. */
export const endOf = { requests: 0.75, background: 0.85, trash: 0.9, disks: 0.95, launcher: 1 } as const;
export type EndStep = keyof typeof endOf;

export interface MachineOptions {
  readonly configuration: Configuration;
  readonly log: Log;
  /** Says where the log's lines for syslog go from now on. */
  readonly attachSyslog: (send: (datagram: string) => void) => void;
  /** Not to be called before the machine is open. */
  readonly containers: () => Containers;
}

export interface Machine {
  readonly host: Host;
  /** Undefined: there are none on this machine. */
  readonly images: Images | undefined;
  readonly jobIds: JobIds;
  readonly restarts: MetricsSources['restarts'];
  /** To a unix socket, which Node cannot do. */
  sendDatagram(socketPath: string, text: string): Promise<void>;
  /** Takes over the containers of an earlier server, and what the kernel has of them; before the first request. */
  begin(): Promise<void>;
  /** No request is under way any more. @param timeFor milliseconds that are left for a step */
  end(timeFor: (step: EndStep) => number): Promise<void>;
}
