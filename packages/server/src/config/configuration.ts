/**
 * What the server runs with: the configuration file in the server's own terms and units.
 */
import type { DiskBackendName } from '../lib/disk-backend-names.js';
import type { HookPoint } from '../lib/hook-points.js';
import type { Ipv4Range } from '../lib/ipv4.js';
import type { PortRange } from '../lib/port.js';
import type { RlimitName } from '../lib/rlimit-names.js';

export type CgroupVersionChoice = 'auto' | 'v1' | 'v2';

/** Memory of the machine that containers never get. */
export type MemoryReserve = { readonly bytes: number } | { readonly part: number };

export interface Configuration {
  /** Of containers; Insecure: plain processes. */
  readonly kind: 'Linux' | 'Insecure';
  readonly socketPath: string;
  readonly socketPermissions: number;
  /** A TCP port for clients with a certificate; undefined: none. Paths of files in PEM. */
  readonly tls: { readonly host: string; readonly port: number; readonly files: { readonly certificate: string; readonly key: string; readonly clientCa: string } } | undefined;
  /** Name or number; null: the server's own. */
  readonly socketGroup: string | null;
  /** Null: containers are never destroyed for want of a client. */
  readonly defaultGraceTimeMs: number | null;
  readonly rootfsPath: string;
  readonly depotPath: string;
  /** Root of a container is the host's root in writable bind mounts of what belongs to the host's root. */
  readonly mapsRootInBindMounts: boolean;
  readonly hooks: {
    /** Of every create, in order. */
    readonly programs: readonly { readonly point: HookPoint; readonly command: readonly string[]; readonly timeoutMs: number }[];
    /** Holds the programs that a create may name; undefined: it may not. */
    readonly directory: string | undefined;
  };
  /** Containers made in advance; none of size 0. rootfs: as a create names it, undefined: rootfsPath. */
  readonly pools: readonly { readonly size: number; readonly rootfs: string | undefined }[];
  /** In the unit of each resource; -1 is no limit. */
  readonly rlimits: ReadonlyMap<RlimitName, number>;
  /** Processes and threads of one container. */
  readonly pidsMax: number;
  /** Of all containers together; undefined: as many as the kernel's limits allow. */
  readonly totalPidsMax: number | undefined;
  /** Null: a tenth of the machine's memory, at least 256 MiB. */
  readonly memoryReserve: MemoryReserve | null;
  /** How disk limits are enforced; an image that is made for it has that size, null: nine tenths of what is free. */
  readonly disk: { readonly backend: 'auto' | DiskBackendName; readonly imageSizeInBytes: number | null };
  /** Containers in which a wardend can run, whose root is as good as the machine's. */
  readonly allowsNested: boolean;
  readonly jobOutputLimitInBytes: number;
  readonly pidfile: string | null;
  /** Where the lines of jobs with a log_tag go. */
  readonly syslogSocketPath: string;
  readonly cgroup: { readonly parent: string; readonly version: CgroupVersionChoice; readonly root: string };
  /** Directory of launcher, monitor, wshd, files, archive and seccomp.bpf. */
  readonly programsPath: string;
  readonly createDeadlineMs: number;
  readonly stopDeadlineMs: number;
  /** From the signal that asks for the server's end to the end of its process. */
  readonly drainDeadlineMs: number;
  /** Port 0: none. */
  readonly healthCheck: { readonly port: number; /** Whether figures of each container are among those of /metrics. */ readonly containerMetrics: boolean };
  readonly logging: { readonly level: string; readonly file: string | null; /** The name that lines have in syslog; null: none go there. */ readonly syslog: string | null };
  readonly network: {
    readonly pool: Ipv4Range;
    readonly denied: readonly Ipv4Range[];
    readonly allowed: readonly Ipv4Range[];
    readonly allowHostAccess: boolean;
    /** Connections of one container to elsewhere at a time, and new ones a second; 0: any number. */
    readonly connectionLimit: number;
    readonly connectionRate: number;
    readonly mtu: number;
    readonly releaseDelayMs: number;
    readonly dnsServers: readonly string[];
    readonly table: string;
  };
  readonly port: {
    /** Of the pool; undefined: above what the kernel gives to the machine's own connections. */
    readonly startPort: number | undefined;
    /** Undefined: up to the last port there is. */
    readonly size: number | undefined;
    /** Ports that a client may choose itself; undefined: none. */
    readonly own: PortRange | undefined;
  };
  readonly user: { readonly startUid: number; readonly size: number; readonly startSubuid: number };
  readonly images: {
    /** HOST or HOST:PORT of references without one; undefined: there is none. */
    readonly defaultRegistry: string | undefined;
    /** Those that may be spoken to without TLS, beside loopback addresses. */
    readonly insecureRegistries: readonly string[];
    /** PEM file with authorities beside those of the system. */
    readonly caPath: string | undefined;
    readonly parallelLayers: number;
    /** A registry that sends next to nothing for so long is given up. */
    readonly silenceMs: number;
    /** Of one layer as the registry has it, and of all of an image. */
    readonly layerLimitInBytes: number;
    readonly imageLimitInBytes: number;
    /** Of one layer, or of one file that is imported, unpacked. */
    readonly extractedLimitInBytes: number;
    readonly entriesLimit: number;
  };
  readonly files: {
    /** What one copy_in or copy_out may make: files, directories and links, and bytes of contents. */
    readonly copyEntriesMax: number;
    readonly copyBytesMax: number;
    /** Transfers of one container that are under way at a time. */
    readonly transfersMax: number;
    /** What one archive may make, in the same way. */
    readonly tarEntriesMax: number;
    readonly tarBytesMax: number;
  };
}
