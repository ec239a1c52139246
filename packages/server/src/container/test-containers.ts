/** Containers on the machine in memory, for tests. */
import type { Configuration } from '../config/configuration.js';
import { parseIpv4Range } from '../lib/ipv4.js';
import { silentLog } from '../lib/log.js';
import { JobIds } from '../pool/job-ids.js';
import type { Container } from './container.js';
import { Containers } from './containers.js';
import { createContainer } from './create.js';
import { checkCreateRequest } from './create-request.js';
import { destroyContainer } from './destroy.js';
import { RecordingHost } from './recording-host.js';

export const testConfiguration: Configuration = {
  socketPath: '/run/w.sock',
  socketPermissions: 0o660,
  socketGroup: null,
  tls: undefined,
  defaultGraceTimeMs: null,
  rootfsPath: '/rootfs',
  depotPath: '/depot',
  mapsRootInBindMounts: true,
  hooks: { programs: [], directory: undefined },
  pools: [],
  rlimits: new Map([['nofile', 8192]]),
  pidsMax: 1024,
  totalPidsMax: undefined,
  disk: { backend: 'auto', imageSizeInBytes: null },
  memoryReserve: null,
  kind: 'Linux',
  allowsNested: false,
  jobOutputLimitInBytes: 1000,
  pidfile: null,
  syslogSocketPath: '/dev/log',
  cgroup: { parent: 'warden', version: 'auto', root: '/sys/fs/cgroup' },
  programsPath: '/programs',
  createDeadlineMs: 30_000,
  stopDeadlineMs: 10_000,
  drainDeadlineMs: 9000,
  healthCheck: { port: 0, containerMetrics: false },
  logging: { level: 'info', file: null, syslog: null },
  network: {
    pool: parseIpv4Range('10.254.0.0/28') ?? { first: 0, last: 0 },
    denied: [],
    allowed: [],
    allowHostAccess: false,
    connectionLimit: 1024,
    connectionRate: 1000,
    mtu: 1500,
    releaseDelayMs: 0,
    dnsServers: [],
    table: 'warden',
  },
  port: { startPort: 61_001, size: 4, own: { first: 1, last: 65_535 } },
  user: { startUid: 10_000, size: 4, startSubuid: 0x2000_0000 },
  images: { defaultRegistry: undefined, insecureRegistries: [], caPath: undefined, parallelLayers: 2, silenceMs: 30_000, layerLimitInBytes: 1 << 30, imageLimitInBytes: 1 << 30, extractedLimitInBytes: 1 << 30, entriesLimit: 100_000 },
  files: { copyEntriesMax: 100, copyBytesMax: 1000, transfersMax: 3, tarEntriesMax: 100, tarBytesMax: 1000 },
};

/** The same, with room for a thousand containers. */
export const roomyConfiguration: Configuration = {
  ...testConfiguration,
  network: { ...testConfiguration.network, pool: parseIpv4Range('10.254.0.0/20') ?? { first: 0, last: 0 } },
  user: { ...testConfiguration.user, size: 1000 },
};

export interface TestContainers {
  readonly host: RecordingHost;
  readonly containers: Containers;
  /** Containers whose grace time was over, by handle. */
  readonly expired: string[];
  create(request?: Partial<Parameters<typeof checkCreateRequest>[0]>): Promise<Container>;
}

export function makeTestContainers(host = new RecordingHost(), configuration: Configuration = testConfiguration): TestContainers {
  const expired: string[] = [];
  const containers: Containers = new Containers(configuration, host, new JobIds(1, () => undefined), silentLog, (container) => {
    expired.push(container.handle);
    void destroyContainer(containers, container);
  });
  const create = async (request: Partial<Parameters<typeof checkCreateRequest>[0]> = {}): Promise<Container> =>
    createContainer(containers, checkCreateRequest({ bindMounts: [], hooks: [], labels: [], ...request }));
  return { host, containers, expired, create };
}
