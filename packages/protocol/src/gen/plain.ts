import type { Message_Type } from "./envelope_pb.js";
import type { NetInRequest_PortProtocol, NetOutRequest_Protocol } from "./net_pb.js";
import type { CreateRequest_BindMount_Mode, CreateRequest_Hook_Point, CreateRequest_Pull } from "./lifecycle_pb.js";

// Written by scripts/protoc-gen-plain.mjs from proto/*.proto: do not edit, run `npm run gen -w warden-protocol`.

/**
 * How far along a copy is, or what it has done.
 */
export interface CopyCounts {
  /**
   * Files, directories and links that were made.
   */
  made?: bigint | undefined;
  /**
   * Of contents; holes do not count.
   */
  bytes?: bigint | undefined;
  /**
   * Devices, sockets and FIFOs that were left out.
   */
  skipped?: bigint | undefined;
}

export interface CopyInRequest {
  handle: string;
  /**
   * On the server's host. A trailing slash copies a directory's contents.
   */
  srcPath: string;
  /**
   * In the container; a path that is not absolute begins at the home directory of vcap.
   */
  dstPath: string;
  /**
   * Answer with the progress, and then with the result.
   */
  progress?: boolean | undefined;
  /**
   * Keep set-user-id and set-group-id bits.
   */
  keepSetId?: boolean | undefined;
}

export interface CopyInResponse {
  /**
   * In all answers but the last.
   */
  progress?: CopyCounts | undefined;
  /**
   * Files, directories and links that were made.
   */
  made?: bigint | undefined;
  /**
   * Of contents; holes do not count.
   */
  bytes?: bigint | undefined;
  /**
   * Devices, sockets and FIFOs that were left out, if there were any.
   */
  skipped?: bigint | undefined;
  /**
   * The first of their paths.
   */
  skippedPaths: string[];
}

export interface CopyOutRequest {
  handle: string;
  /**
   * In the container, as dst_path of copy_in. A trailing slash copies a directory's contents.
   */
  srcPath: string;
  /**
   * On the server's host.
   */
  dstPath: string;
  /**
   * USER, USER:GROUP or USER: (its own group), names or numbers of the host, that the copies belong to; root unless given.
   */
  owner?: string | undefined;
  /**
   * Answer with the progress, and then with the result.
   */
  progress?: boolean | undefined;
  /**
   * Keep set-user-id and set-group-id bits.
   */
  keepSetId?: boolean | undefined;
}

export interface CopyOutResponse {
  /**
   * In all answers but the last.
   */
  progress?: CopyCounts | undefined;
  /**
   * Files, directories and links that were made.
   */
  made?: bigint | undefined;
  /**
   * Of contents; holes do not count.
   */
  bytes?: bigint | undefined;
  /**
   * Devices, sockets and FIFOs that were left out, if there were any.
   */
  skipped?: bigint | undefined;
  /**
   * The first of their paths.
   */
  skippedPaths: string[];
}

export interface Message {
  /**
   * A request and its response have the same type; an error reply has type Error.
   */
  type: Message_Type;
  /**
   * The encoded request or response of that type.
   */
  payload: Uint8Array;
  /**
   * W3C's traceparent of a request: the server's log lines about it name that trace. Anything else in it is passed over.
   */
  traceparent?: string | undefined;
}

export interface ErrorResponse {
  /**
   * A sentence for the user.
   */
  message?: string | undefined;
  backtrace: string[];
  /**
   * The error's code, one of the closed set (docs/protocol.md).
   */
  data?: string | undefined;
}

export interface EventsRequest {
  /**
   * Of this container alone; of all unless given.
   */
  handle?: string | undefined;
}

/**
 * Any number of these answer one EventsRequest, until the client closes the connection: there is no last one.
 */
export interface EventsResponse {
  /**
   * listening (the first one: what happens from then on is told), created, stopped, destroyed, event, job_started, job_ended.
   */
  kind: string;
  /**
   * Milliseconds since 1970.
   */
  timeMs: bigint;
  handle?: string | undefined;
  /**
   * Of the kind event: what info lists among its events.
   */
  event?: string | undefined;
  /**
   * Of jobs.
   */
  jobId?: number | undefined;
  /**
   * 255 when the job was killed by a signal, or its status is unknown.
   */
  exitStatus?: number | undefined;
  /**
   * The signal that ended the job, when it was one.
   */
  signal?: number | undefined;
  /**
   * It was timeout_ms that ended the job.
   */
  timedOut?: boolean | undefined;
  /**
   * Nobody can know any more how the job ended.
   */
  lost?: boolean | undefined;
  /**
   * So many were left out before this one, because the client read too slowly.
   */
  missed?: number | undefined;
}

/**
 * What is known of a file.
 */
export interface FileEntry {
  /**
   * In its directory; not there when the request has named the file.
   */
  name?: Uint8Array | undefined;
  /**
   * file, directory, link, or other.
   */
  kind: string;
  /**
   * Permission bits, with set-id bits and sticky.
   */
  mode: number;
  /**
   * As in the container.
   */
  uid: number;
  gid: number;
  sizeInBytes: bigint;
  /**
   * Nanoseconds since the epoch; 0 when it was before.
   */
  modifiedNs: bigint;
  hardLinks: number;
  /**
   * Where a symbolic link leads.
   */
  target?: Uint8Array | undefined;
}

export interface ReadFileRequest {
  handle: string;
  path: Uint8Array;
  user?: string | undefined;
  /**
   * The first byte that is wanted; 0 unless given.
   */
  offset?: bigint | undefined;
  /**
   * At most so many; to the end unless given.
   */
  length?: bigint | undefined;
}

/**
 * Any number; the first one has `entry`, the last one `last`.
 */
export interface ReadFileResponse {
  entry?: FileEntry | undefined;
  data?: Uint8Array | undefined;
  last?: boolean | undefined;
}

/**
 * Content that is longer than one request should be, or not known yet, follows as TransferData of the same connection.
 */
export interface WriteFileRequest {
  handle: string;
  path: Uint8Array;
  user?: string | undefined;
  /**
   * Permission bits of the file, also of one that is there already; a new one has 0644 unless given.
   */
  mode?: number | undefined;
  /**
   * Behind what is in the file, which is emptied otherwise.
   */
  append?: boolean | undefined;
  /**
   * A file that is there already is an error.
   */
  exclusive?: boolean | undefined;
  /**
   * Where the content goes in a file that is not emptied; it need not be there.
   */
  offset?: bigint | undefined;
  /**
   * All of it; with transfer_id its beginning.
   */
  data?: Uint8Array | undefined;
  /**
   * More follows: a number of the client's choice that no other transfer of its connection has.
   */
  transferId?: number | undefined;
}

export interface WriteFileResponse {
  /**
   * What was written; not there when more follows.
   */
  sizeInBytes?: bigint | undefined;
}

/**
 * Content of a WriteFile or TarIn. Answered when it was taken, in the order of the requests: a client that has some of them on their way keeps the transfer busy.
 */
export interface TransferDataRequest {
  transferId: number;
  data?: Uint8Array | undefined;
  /**
   * There is no more: the answer comes when the transfer is done.
   */
  last?: boolean | undefined;
  /**
   * The transfer is given up, and what is there of it stays.
   */
  abandon?: boolean | undefined;
}

export interface TransferDataResponse {
  /**
   * With last: bytes that were written, of files.
   */
  sizeInBytes?: bigint | undefined;
  /**
   * With last, of a TarIn: entries that were made.
   */
  entries?: bigint | undefined;
  /**
   * With last, of a TarIn: what was left out, and why, one line each, the first hundred.
   */
  notes: string[];
}

export interface ListFilesRequest {
  handle: string;
  path: Uint8Array;
  user?: string | undefined;
  /**
   * At most so many entries.
   */
  limit?: bigint | undefined;
}

/**
 * Any number, in the directory's own order; the last one has `last`.
 */
export interface ListFilesResponse {
  entries: FileEntry[];
  last?: boolean | undefined;
  /**
   * With last: the limit has kept more of them back.
   */
  more?: boolean | undefined;
}

export interface StatFileRequest {
  handle: string;
  path: Uint8Array;
  user?: string | undefined;
  /**
   * A symbolic link itself.
   */
  noFollow?: boolean | undefined;
}

export interface StatFileResponse {
  entry: FileEntry;
}

export interface MakeDirectoryRequest {
  handle: string;
  path: Uint8Array;
  user?: string | undefined;
  /**
   * 0755 unless given.
   */
  mode?: number | undefined;
  /**
   * What is missing on the way is made, too, and a directory that is there is no error.
   */
  parents?: boolean | undefined;
}

export interface MakeDirectoryResponse {}

export interface RemoveFileRequest {
  handle: string;
  /**
   * A file, a link itself, or an empty directory.
   */
  path: Uint8Array;
  user?: string | undefined;
  /**
   * A directory with everything in it.
   */
  recursive?: boolean | undefined;
  /**
   * What is not there is no error.
   */
  force?: boolean | undefined;
}

export interface RemoveFileResponse {}

export interface RenameFileRequest {
  handle: string;
  path: Uint8Array;
  newPath: Uint8Array;
  user?: string | undefined;
  /**
   * A file that has the new name already is an error; else it is replaced.
   */
  exclusive?: boolean | undefined;
}

export interface RenameFileResponse {}

/**
 * A tar archive, extracted below a directory; its bytes follow as TransferData of the same connection.
 */
export interface TarInRequest {
  handle: string;
  /**
   * A directory, which exists.
   */
  path: Uint8Array;
  user?: string | undefined;
  transferId: number;
  /**
   * Set-user-id and set-group-id bits are kept; else they are dropped.
   */
  keepSetid?: boolean | undefined;
  /**
   * With user root: ids are the archive's; else everything belongs to the user.
   */
  keepOwner?: boolean | undefined;
}

export interface TarInResponse {}

/**
 * A tar archive (pax) of a directory's content, or of one file.
 */
export interface TarOutRequest {
  handle: string;
  path: Uint8Array;
  user?: string | undefined;
  /**
   * The name that the archive has for it; `.` for a directory and its last component for a file unless given.
   */
  name?: Uint8Array | undefined;
  /**
   * Set-user-id and set-group-id bits are kept; else they are dropped.
   */
  keepSetid?: boolean | undefined;
}

/**
 * Any number; the last one has `last`.
 */
export interface TarOutResponse {
  data?: Uint8Array | undefined;
  last?: boolean | undefined;
  /**
   * With last: entries of the archive.
   */
  entries?: bigint | undefined;
  /**
   * With last: what was left out, and why, one line each, the first hundred.
   */
  notes: string[];
}

/**
 * What a registry asks for. Used for one request, and neither stored nor logged.
 */
export interface RegistryAuth {
  username?: string | undefined;
  password?: string | undefined;
  /**
   * In place of both: exchanged for a token with the registry's own service.
   */
  identityToken?: string | undefined;
}

/**
 * How far along a request is.
 */
export interface ImageProgress {
  /**
   * The digest of a layer, or the name of a file.
   */
  item?: string | undefined;
  /**
   * resolving, waiting, downloading, extracting, present or done
   */
  step?: string | undefined;
  doneBytes?: bigint | undefined;
  /**
   * Missing when nobody knows.
   */
  totalBytes?: bigint | undefined;
  /**
   * Layers of the image; missing while they are not known.
   */
  layers?: number | undefined;
}

export interface ImageLayer {
  /**
   * The digest of its uncompressed content.
   */
  diffId?: string | undefined;
  /**
   * As it lies on the disk.
   */
  sizeBytes?: bigint | undefined;
}

export interface ImageSummary {
  /**
   * The digest of its configuration.
   */
  id?: string | undefined;
  names: string[];
  /**
   * All layers, also those that other images share.
   */
  sizeBytes?: bigint | undefined;
  /**
   * Milliseconds since 1970, as the image says.
   */
  createdMs?: bigint | undefined;
  /**
   * The lowest first.
   */
  layers: ImageLayer[];
  /**
   * Containers that are made of it.
   */
  containers?: number | undefined;
}

export interface ImageImportRequest {
  /**
   * A file or directory on the server's host: what docker save made, an OCI layout, or the tar of a root file system.
   */
  path: string;
  /**
   * In place of the names that it brings; the tar of a root file system brings none.
   */
  name?: string | undefined;
  /**
   * Answer with the progress, and then with the images.
   */
  progress?: boolean | undefined;
}

export interface ImageImportResponse {
  /**
   * In all answers but the last.
   */
  progress?: ImageProgress | undefined;
  images: ImageSummary[];
}

export interface ImagePullRequest {
  /**
   * HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]
   */
  reference: string;
  auth?: RegistryAuth | undefined;
  /**
   * Answer with the progress, and then with the image.
   */
  progress?: boolean | undefined;
  /**
   * OS/ARCHITECTURE[/VARIANT]; the machine's own unless given.
   */
  platform?: string | undefined;
}

export interface ImagePullResponse {
  /**
   * In all answers but the last.
   */
  progress?: ImageProgress | undefined;
  image?: ImageSummary | undefined;
  /**
   * The digest that the reference stood for.
   */
  manifestDigest?: string | undefined;
}

export interface ImageListRequest {}

export interface ImageListResponse {
  images: ImageSummary[];
}

export interface ImageInspectRequest {
  /**
   * A name, an id, or the beginning of an id.
   */
  name: string;
}

export interface ImageInspectResponse {
  image?: ImageSummary | undefined;
  /**
   * The image's configuration as it came: JSON.
   */
  config?: string | undefined;
  /**
   * Where it came from.
   */
  source?: string | undefined;
  manifestDigest?: string | undefined;
}

export interface ImageRemoveRequest {
  /**
   * A name, which is taken away, and with its last name the image; or an id: the image with all its names.
   */
  name: string;
}

export interface ImageRemoveResponse {
  untagged: string[];
  /**
   * The id of the image when it went.
   */
  removed?: string | undefined;
}

/**
 * A directory of the server's host that create knows by a name.
 */
export interface NamedRootfs {
  name?: string | undefined;
  path?: string | undefined;
}

export interface RootfsListRequest {}

export interface RootfsListResponse {
  rootfs: NamedRootfs[];
}

export interface RootfsSetRequest {
  name: string;
  /**
   * The directory that is to have the name.
   */
  path?: string | undefined;
  /**
   * Take the name away; the directory stays.
   */
  remove?: boolean | undefined;
}

export interface RootfsSetResponse {}

export interface NetInRequest {
  handle: string;
  /**
   * The same as the host's unless given.
   */
  containerPort?: number | undefined;
  /**
   * From the server's pool unless given.
   */
  hostPort?: number | undefined;
  protocol?: NetInRequest_PortProtocol | undefined;
  /**
   * Closes host_port again, and ends the connections that came by it.
   */
  remove?: boolean | undefined;
}

export interface NetInResponse {
  hostPort: number;
  containerPort: number;
}

/**
 * A port of the host that leads to a container.
 */
export interface NetInMapping {
  hostPort?: number | undefined;
  containerPort?: number | undefined;
  protocol?: NetInRequest_PortProtocol | undefined;
}

export interface NetOutRequest {
  handle: string;
  /**
   * An address, a CIDR, or a.b.c.d-e.f.g.h.
   */
  network?: string | undefined;
  port?: number | undefined;
  /**
   * low:high
   */
  portRange?: string | undefined;
  protocol?: NetOutRequest_Protocol | undefined;
  /**
   * -1 is any.
   */
  icmpType?: number | undefined;
  /**
   * -1 is any.
   */
  icmpCode?: number | undefined;
  /**
   * Log new connections.
   */
  log?: boolean | undefined;
  /**
   * Take away the rule that was given with the same fields.
   */
  remove?: boolean | undefined;
  /**
   * Instead of network: a name, or *.name for all names below it.
   */
  domain?: string | undefined;
}

/**
 * A rule of net_out that is in force, in the fields it can be removed by.
 */
export interface NetOutRule {
  network?: string | undefined;
  port?: number | undefined;
  portRange?: string | undefined;
  protocol?: NetOutRequest_Protocol | undefined;
  icmpType?: number | undefined;
  icmpCode?: number | undefined;
  log?: boolean | undefined;
  domain?: string | undefined;
}

export interface NetOutResponse {}

/**
 * What a client notes about a container. A list of these is on the wire what map<string, string> is.
 */
export interface Label {
  key: string;
  value: string;
}

export interface BindMount {
  /**
   * A file or directory on the server's host.
   */
  srcPath: string;
  /**
   * Where it appears in the container; created when missing.
   */
  dstPath: string;
  mode: CreateRequest_BindMount_Mode;
}

/**
 * A program of the server's that runs while the container is made.
 */
export interface Hook {
  point: CreateRequest_Hook_Point;
  /**
   * Its name in the server's directory of hooks.
   */
  program: string;
  args: string[];
  /**
   * Milliseconds it may take; 10000 unless given.
   */
  timeoutMs?: bigint | undefined;
}

export interface CreateRequest {
  /**
   * Mounted in order.
   */
  bindMounts: BindMount[];
  /**
   * Seconds the container lives on when its last connection has closed.
   */
  graceTime?: number | undefined;
  /**
   * The container's name; generated when not given.
   */
  handle?: string | undefined;
  /**
   * An address inside the pool, which picks that /30.
   */
  network?: string | undefined;
  /**
   * Another root directory than the configured one: a path, the name of one, image:NAME, or docker://REFERENCE.
   */
  rootfs?: string | undefined;
  /**
   * In order; those of the server's configuration come first.
   */
  hooks: Hook[];
  /**
   * For docker://REFERENCE.
   */
  pull?: CreateRequest_Pull | undefined;
  /**
   * For docker://REFERENCE.
   */
  registryAuth?: RegistryAuth | undefined;
  /**
   * Each key once; at most 64.
   */
  labels: Label[];
  /**
   * Seconds after which the container is destroyed, used or not.
   */
  ttl?: number | undefined;
}

export interface CreateResponse {
  handle: string;
}

export interface StopRequest {
  handle: string;
  /**
   * Answer at once, stop afterwards.
   */
  background?: boolean | undefined;
  /**
   * KILL at once rather than TERM first.
   */
  kill?: boolean | undefined;
}

export interface StopResponse {}

export interface DestroyRequest {
  handle: string;
}

export interface DestroyResponse {}

export interface InfoRequest {
  handle: string;
}

/**
 * Bytes, pages and counts as the kernel's memory controller names them.
 */
export interface MemoryStat {
  cache?: bigint | undefined;
  rss?: bigint | undefined;
  mappedFile?: bigint | undefined;
  pgpgin?: bigint | undefined;
  pgpgout?: bigint | undefined;
  swap?: bigint | undefined;
  pgfault?: bigint | undefined;
  pgmajfault?: bigint | undefined;
  inactiveAnon?: bigint | undefined;
  activeAnon?: bigint | undefined;
  inactiveFile?: bigint | undefined;
  activeFile?: bigint | undefined;
  unevictable?: bigint | undefined;
  hierarchicalMemoryLimit?: bigint | undefined;
  hierarchicalMemswLimit?: bigint | undefined;
  totalCache?: bigint | undefined;
  totalRss?: bigint | undefined;
  totalMappedFile?: bigint | undefined;
  totalPgpgin?: bigint | undefined;
  totalPgpgout?: bigint | undefined;
  totalSwap?: bigint | undefined;
  totalPgfault?: bigint | undefined;
  totalPgmajfault?: bigint | undefined;
  totalInactiveAnon?: bigint | undefined;
  totalActiveAnon?: bigint | undefined;
  totalInactiveFile?: bigint | undefined;
  totalActiveFile?: bigint | undefined;
  totalUnevictable?: bigint | undefined;
}

export interface CpuStat {
  /**
   * Nanoseconds.
   */
  usage?: bigint | undefined;
  /**
   * Ticks of USER_HZ.
   */
  user?: bigint | undefined;
  /**
   * Ticks of USER_HZ.
   */
  system?: bigint | undefined;
}

export interface DiskStat {
  bytesUsed?: bigint | undefined;
  inodesUsed?: bigint | undefined;
}

/**
 * Rates in bytes per second, bursts in bytes.
 */
export interface BandwidthStat {
  inRate?: bigint | undefined;
  inBurst?: bigint | undefined;
  outRate?: bigint | undefined;
  outBurst?: bigint | undefined;
}

export interface PidsStat {
  /**
   * Processes and threads.
   */
  current?: bigint | undefined;
  /**
   * The most there may be; absent: none but what all containers may have together.
   */
  max?: bigint | undefined;
}

/**
 * What the link has carried since the container was made, Ethernet headers included; in is to the container.
 */
export interface NetworkStat {
  inBytes?: bigint | undefined;
  inPackets?: bigint | undefined;
  outBytes?: bigint | undefined;
  outPackets?: bigint | undefined;
}

export interface InfoResponse {
  state?: string | undefined;
  events: string[];
  hostIp?: string | undefined;
  containerIp?: string | undefined;
  containerPath?: string | undefined;
  memoryStat?: MemoryStat | undefined;
  cpuStat?: CpuStat | undefined;
  diskStat?: DiskStat | undefined;
  bandwidthStat?: BandwidthStat | undefined;
  /**
   * Jobs still running.
   */
  jobIds: bigint[];
  /**
   * How disk limits are enforced: project, user, btrfs, image or none.
   */
  diskBackend?: string | undefined;
  pidsStat?: PidsStat | undefined;
  /**
   * Only in replies of info itself, in the order in which they were given.
   */
  netOut: NetOutRule[];
  /**
   * Ports of the host that lead to the container.
   */
  netIn: NetInMapping[];
  /**
   * Only in replies of info itself.
   */
  networkStat?: NetworkStat | undefined;
  /**
   * Only in replies of info itself, as the create gave them.
   */
  bindMounts: BindMount[];
  /**
   * Only in replies of info itself, as the create gave them.
   */
  labels: Label[];
  /**
   * Milliseconds until the container is destroyed because of its ttl; absent: it has none. Only in replies of info itself.
   */
  ttlLeftMs?: bigint | undefined;
  /**
   * Milliseconds since 1970. Only in replies of info itself.
   */
  createdMs?: bigint | undefined;
}

export interface ResourceLimits {
  as?: bigint | undefined;
  core?: bigint | undefined;
  cpu?: bigint | undefined;
  data?: bigint | undefined;
  fsize?: bigint | undefined;
  locks?: bigint | undefined;
  memlock?: bigint | undefined;
  msgqueue?: bigint | undefined;
  nice?: bigint | undefined;
  nofile?: bigint | undefined;
  nproc?: bigint | undefined;
  rss?: bigint | undefined;
  rtprio?: bigint | undefined;
  sigpending?: bigint | undefined;
  stack?: bigint | undefined;
}

/**
 * A terminal of the job's own, which is then its standard input, output and error.
 */
export interface Terminal {
  /**
   * Lines of text, 1 to 4096.
   */
  rows: number;
  /**
   * Characters of a line, 1 to 4096.
   */
  columns: number;
  /**
   * TERM in the job's environment; xterm unless given.
   */
  term?: string | undefined;
}

export interface SpawnRequest {
  handle: string;
  /**
   * Read by /bin/bash in the container from its standard input; with stdin or tty it is bash's argument, and empty with args.
   */
  script: string;
  /**
   * As root of the container rather than as vcap.
   */
  privileged?: boolean | undefined;
  /**
   * For this job alone, over the configured ones.
   */
  rlimits?: ResourceLimits | undefined;
  /**
   * Keep no output.
   */
  discardOutput?: boolean | undefined;
  /**
   * Also send every line of output to syslog, as warden.<log_tag>.
   */
  logTag?: string | undefined;
  /**
   * NAME=value, added to the job's environment and winning over it.
   */
  env: string[];
  /**
   * Where the job begins, an absolute path in the container; the user's home unless given.
   */
  cwd?: string | undefined;
  /**
   * A program, looked up in the job's PATH, and its arguments, in place of a script; no shell sees them.
   */
  args: string[];
  /**
   * Keep standard input open for Input requests.
   */
  stdin?: boolean | undefined;
  tty?: Terminal | undefined;
  /**
   * Every process of the job is killed when it has run for so many milliseconds.
   */
  timeoutMs?: bigint | undefined;
  /**
   * A name of the container's own /etc/passwd, UID, or UID:GID; root only with privileged.
   */
  user?: string | undefined;
}

export interface SpawnResponse {
  jobId: number;
}

export interface LinkRequest {
  handle: string;
  jobId: number;
}

export interface LinkResponse {
  /**
   * 255 when the job was killed by a signal, or its status is unknown.
   */
  exitStatus?: number | undefined;
  stdout?: Uint8Array | undefined;
  stderr?: Uint8Array | undefined;
  info?: InfoResponse | undefined;
  /**
   * The signal that ended the job, when it was one.
   */
  signal?: number | undefined;
  /**
   * It was timeout_ms that ended the job.
   */
  timedOut?: boolean | undefined;
  /**
   * Nobody can know any more how the job ended.
   */
  lost?: boolean | undefined;
}

export interface RunRequest {
  handle: string;
  /**
   * Read by /bin/bash in the container from its standard input; with stdin or tty it is bash's argument, and empty with args.
   */
  script: string;
  /**
   * As root of the container rather than as vcap.
   */
  privileged?: boolean | undefined;
  /**
   * For this job alone, over the configured ones.
   */
  rlimits?: ResourceLimits | undefined;
  /**
   * Keep no output.
   */
  discardOutput?: boolean | undefined;
  /**
   * Also send every line of output to syslog, as warden.<log_tag>.
   */
  logTag?: string | undefined;
  /**
   * NAME=value, added to the job's environment and winning over it.
   */
  env: string[];
  /**
   * Where the job begins, an absolute path in the container; the user's home unless given.
   */
  cwd?: string | undefined;
  /**
   * A program, looked up in the job's PATH, and its arguments, in place of a script; no shell sees them.
   */
  args: string[];
  /**
   * Keep standard input open for Input requests.
   */
  stdin?: boolean | undefined;
  tty?: Terminal | undefined;
  /**
   * Every process of the job is killed when it has run for so many milliseconds.
   */
  timeoutMs?: bigint | undefined;
  /**
   * A name of the container's own /etc/passwd, UID, or UID:GID; root only with privileged.
   */
  user?: string | undefined;
}

export interface RunResponse {
  /**
   * 255 when the job was killed by a signal, or its status is unknown.
   */
  exitStatus?: number | undefined;
  stdout?: Uint8Array | undefined;
  stderr?: Uint8Array | undefined;
  info?: InfoResponse | undefined;
  /**
   * The signal that ended the job, when it was one.
   */
  signal?: number | undefined;
  /**
   * It was timeout_ms that ended the job.
   */
  timedOut?: boolean | undefined;
  /**
   * Nobody can know any more how the job ended.
   */
  lost?: boolean | undefined;
}

export interface StreamRequest {
  handle: string;
  jobId: number;
}

/**
 * Any number of these answer one StreamRequest; the one that has exit_status is the last.
 */
export interface StreamResponse {
  /**
   * stdout or stderr.
   */
  name?: string | undefined;
  data?: Uint8Array | undefined;
  exitStatus?: number | undefined;
  info?: InfoResponse | undefined;
  /**
   * The signal that ended the job, when it was one.
   */
  signal?: number | undefined;
  /**
   * It was timeout_ms that ended the job.
   */
  timedOut?: boolean | undefined;
  /**
   * Nobody can know any more how the job ended.
   */
  lost?: boolean | undefined;
}

/**
 * Writes to the standard input of a job that was started with stdin or tty. Answered when the job's pipe or terminal has
 * taken all of it: a job that does not read makes its writer wait.
 */
export interface InputRequest {
  handle: string;
  jobId: number;
  /**
   * At most 1 MiB.
   */
  data?: Uint8Array | undefined;
  /**
   * No more input follows: the job reads its end behind data.
   */
  close?: boolean | undefined;
}

export interface InputResponse {}

/**
 * Sets the size of a job's terminal.
 */
export interface ResizeRequest {
  handle: string;
  jobId: number;
  /**
   * 1 to 4096.
   */
  rows: number;
  /**
   * 1 to 4096.
   */
  columns: number;
}

export interface ResizeResponse {}

/**
 * Sends a signal to every process of one job.
 */
export interface SignalRequest {
  handle: string;
  jobId: number;
  /**
   * 1 to 64, as kill -l numbers them: 2 is INT, 9 KILL, 15 TERM.
   */
  signal: number;
}

export interface SignalResponse {}

export interface JobsRequest {
  handle: string;
}

export interface Job {
  id: number;
  /**
   * running or ended.
   */
  state: string;
  /**
   * What it was started with, shortened, for people.
   */
  command?: string | undefined;
  /**
   * Milliseconds since 1970.
   */
  startedMs?: bigint | undefined;
  /**
   * Milliseconds since 1970.
   */
  endedMs?: bigint | undefined;
  /**
   * 255 when the job was killed by a signal, or its status is unknown.
   */
  exitStatus?: number | undefined;
  /**
   * The signal that ended the job, when it was one.
   */
  signal?: number | undefined;
  /**
   * It was timeout_ms that ended the job.
   */
  timedOut?: boolean | undefined;
  /**
   * Output of both streams so far, in bytes.
   */
  outputBytes?: bigint | undefined;
  /**
   * As the container sees it.
   */
  pid?: number | undefined;
  /**
   * Nobody can know any more how the job ended.
   */
  lost?: boolean | undefined;
}

export interface JobsResponse {
  /**
   * Those that run, and those whose result no link or stream has taken yet.
   */
  jobs: Job[];
}

/**
 * Reads a job's output and leaves the job as it is: it can be read again, linked and streamed.
 */
export interface LogsRequest {
  handle: string;
  jobId: number;
  /**
   * Where to begin in the job's output, of both streams together; its first byte unless given.
   */
  sinceByte?: bigint | undefined;
  /**
   * Go on until the job has ended.
   */
  follow?: boolean | undefined;
}

/**
 * Any number of these answer one LogsRequest; the one that has last is the last.
 */
export interface LogsResponse {
  /**
   * stdout or stderr.
   */
  name?: string | undefined;
  data?: Uint8Array | undefined;
  /**
   * In the last one, when the job has ended. 255 when it was killed by a signal, or its status is unknown.
   */
  exitStatus?: number | undefined;
  /**
   * Where data begins in the job's output; in the last one, where the output that was sent ends.
   */
  position?: bigint | undefined;
  /**
   * The signal that ended the job, when it was one.
   */
  signal?: number | undefined;
  /**
   * It was timeout_ms that ended the job.
   */
  timedOut?: boolean | undefined;
  /**
   * Nobody can know any more how the job ended.
   */
  lost?: boolean | undefined;
  last?: boolean | undefined;
}

export interface LimitMemoryRequest {
  handle: string;
  /**
   * Rounded to whole pages.
   */
  limitInBytes?: bigint | undefined;
}

export interface LimitMemoryResponse {
  limitInBytes?: bigint | undefined;
}

export interface LimitCpuRequest {
  handle: string;
  /**
   * At least 2; 1024 is the default of every container.
   */
  limitInShares?: bigint | undefined;
  /**
   * Microseconds of processor time in each period, of all processors together; 0: no quota.
   */
  quotaInUs?: bigint | undefined;
  /**
   * Microseconds, 1000 to 1000000; 100000 unless given.
   */
  periodInUs?: bigint | undefined;
  /**
   * Processors that the container may use, for example 0-2,5; empty: all that containers have.
   */
  cpus?: string | undefined;
}

export interface LimitCpuResponse {
  limitInShares?: bigint | undefined;
  /**
   * Microseconds; missing without a quota.
   */
  quotaInUs?: bigint | undefined;
  /**
   * Microseconds; missing without a quota.
   */
  periodInUs?: bigint | undefined;
  /**
   * Missing when it may use all that containers have.
   */
  cpus?: string | undefined;
}

/**
 * Processes and threads. An addition.
 */
export interface LimitPidsRequest {
  handle: string;
  /**
   * The most there may be, from 1; what there is beyond it stays. 2^64 - 1: none but what all containers may have together.
   */
  limit?: bigint | undefined;
}

export interface LimitPidsResponse {
  /**
   * Missing when there is none but what all containers may have together.
   */
  limit?: bigint | undefined;
}

/**
 * Rate in bytes per second, burst in bytes, for both directions.
 */
export interface LimitBandwidthRequest {
  handle: string;
  /**
   * Bytes per second.
   */
  rate: bigint;
  /**
   * Bytes.
   */
  burst: bigint;
}

export interface LimitBandwidthResponse {
  rate: bigint;
  burst: bigint;
}

export interface LimitDiskRequest {
  handle: string;
  /**
   * A block is 1024 bytes. In each group plain, *_limit and *_hard are the same value; the more specific name wins.
   */
  blockLimit?: bigint | undefined;
  block?: bigint | undefined;
  blockSoft?: bigint | undefined;
  blockHard?: bigint | undefined;
  inodeLimit?: bigint | undefined;
  inode?: bigint | undefined;
  inodeSoft?: bigint | undefined;
  inodeHard?: bigint | undefined;
  byteLimit?: bigint | undefined;
  byte?: bigint | undefined;
  byteSoft?: bigint | undefined;
  byteHard?: bigint | undefined;
}

export interface LimitDiskResponse {
  /**
   * A block is 1024 bytes. In each group plain, *_limit and *_hard are the same value; the more specific name wins.
   */
  blockLimit?: bigint | undefined;
  block?: bigint | undefined;
  blockSoft?: bigint | undefined;
  blockHard?: bigint | undefined;
  inodeLimit?: bigint | undefined;
  inode?: bigint | undefined;
  inodeSoft?: bigint | undefined;
  inodeHard?: bigint | undefined;
  byteLimit?: bigint | undefined;
  byte?: bigint | undefined;
  byteSoft?: bigint | undefined;
  byteHard?: bigint | undefined;
}

/**
 * What a process is called, and its arguments, are bytes of its own choice.
 */
export interface Process {
  /**
   * As in the container.
   */
  pid: number;
  /**
   * 0 when it is no process of the container.
   */
  parentPid: number;
  /**
   * As in the container.
   */
  uid: number;
  /**
   * A letter: R runs, S sleeps, D waits for a device, T is stopped, Z has ended, I is idle.
   */
  state: string;
  threads?: number | undefined;
  /**
   * What it has used in user and kernel mode together.
   */
  cpuTimeMs?: bigint | undefined;
  residentBytes?: bigint | undefined;
  /**
   * Milliseconds since 1970.
   */
  startedMs?: bigint | undefined;
  name?: Uint8Array | undefined;
  /**
   * Its arguments with a NUL between them, the first 1024 bytes of it all; a process that has ended has none.
   */
  commandLine?: Uint8Array | undefined;
}

export interface ProcessesRequest {
  handle: string;
}

export interface ProcessesResponse {
  processes: Process[];
  /**
   * There are more; the first 4096 are told.
   */
  more?: boolean | undefined;
}

export interface PingRequest {}

export interface PingResponse {}

export interface LabelFilter {
  key: string;
  /**
   * Any value unless given.
   */
  value?: string | undefined;
}

export interface ListRequest {
  /**
   * Only containers that have all of these.
   */
  labels: LabelFilter[];
  /**
   * Tell more than handles.
   */
  details?: boolean | undefined;
  /**
   * One page of the list, in the order of creation: at most so many containers, and no more than the server finds good for one answer.
   */
  limit?: number | undefined;
  /**
   * The page behind that one: next of its answer.
   */
  after?: string | undefined;
}

export interface ContainerSummary {
  handle: string;
  state: string;
  containerIp?: string | undefined;
  labels: Label[];
  /**
   * Milliseconds since 1970.
   */
  createdMs?: bigint | undefined;
  /**
   * Milliseconds until the container is destroyed because of its ttl; absent: it has none.
   */
  ttlLeftMs?: bigint | undefined;
  /**
   * What it was made of.
   */
  rootfs?: string | undefined;
  /**
   * Ports of the host that lead to the container.
   */
  netIn: NetInMapping[];
  /**
   * How many run.
   */
  jobs?: number | undefined;
}

export interface ListResponse {
  handles: string[];
  /**
   * With details: the same containers, in the same order.
   */
  containers: ContainerSummary[];
  /**
   * Of a page that is not the last: what the request for the one behind it has as after.
   */
  next?: string | undefined;
}

export interface EchoRequest {
  message: string;
}

export interface EchoResponse {
  message: string;
}

/** From a message's full name to its interface. */
export interface PlainTypes {
  "warden.CopyCounts": CopyCounts;
  "warden.CopyInRequest": CopyInRequest;
  "warden.CopyInResponse": CopyInResponse;
  "warden.CopyOutRequest": CopyOutRequest;
  "warden.CopyOutResponse": CopyOutResponse;
  "warden.Message": Message;
  "warden.ErrorResponse": ErrorResponse;
  "warden.EventsRequest": EventsRequest;
  "warden.EventsResponse": EventsResponse;
  "warden.FileEntry": FileEntry;
  "warden.ReadFileRequest": ReadFileRequest;
  "warden.ReadFileResponse": ReadFileResponse;
  "warden.WriteFileRequest": WriteFileRequest;
  "warden.WriteFileResponse": WriteFileResponse;
  "warden.TransferDataRequest": TransferDataRequest;
  "warden.TransferDataResponse": TransferDataResponse;
  "warden.ListFilesRequest": ListFilesRequest;
  "warden.ListFilesResponse": ListFilesResponse;
  "warden.StatFileRequest": StatFileRequest;
  "warden.StatFileResponse": StatFileResponse;
  "warden.MakeDirectoryRequest": MakeDirectoryRequest;
  "warden.MakeDirectoryResponse": MakeDirectoryResponse;
  "warden.RemoveFileRequest": RemoveFileRequest;
  "warden.RemoveFileResponse": RemoveFileResponse;
  "warden.RenameFileRequest": RenameFileRequest;
  "warden.RenameFileResponse": RenameFileResponse;
  "warden.TarInRequest": TarInRequest;
  "warden.TarInResponse": TarInResponse;
  "warden.TarOutRequest": TarOutRequest;
  "warden.TarOutResponse": TarOutResponse;
  "warden.RegistryAuth": RegistryAuth;
  "warden.ImageProgress": ImageProgress;
  "warden.ImageLayer": ImageLayer;
  "warden.ImageSummary": ImageSummary;
  "warden.ImageImportRequest": ImageImportRequest;
  "warden.ImageImportResponse": ImageImportResponse;
  "warden.ImagePullRequest": ImagePullRequest;
  "warden.ImagePullResponse": ImagePullResponse;
  "warden.ImageListRequest": ImageListRequest;
  "warden.ImageListResponse": ImageListResponse;
  "warden.ImageInspectRequest": ImageInspectRequest;
  "warden.ImageInspectResponse": ImageInspectResponse;
  "warden.ImageRemoveRequest": ImageRemoveRequest;
  "warden.ImageRemoveResponse": ImageRemoveResponse;
  "warden.NamedRootfs": NamedRootfs;
  "warden.RootfsListRequest": RootfsListRequest;
  "warden.RootfsListResponse": RootfsListResponse;
  "warden.RootfsSetRequest": RootfsSetRequest;
  "warden.RootfsSetResponse": RootfsSetResponse;
  "warden.NetInRequest": NetInRequest;
  "warden.NetInResponse": NetInResponse;
  "warden.NetInMapping": NetInMapping;
  "warden.NetOutRequest": NetOutRequest;
  "warden.NetOutRule": NetOutRule;
  "warden.NetOutResponse": NetOutResponse;
  "warden.Label": Label;
  "warden.CreateRequest.BindMount": BindMount;
  "warden.CreateRequest.Hook": Hook;
  "warden.CreateRequest": CreateRequest;
  "warden.CreateResponse": CreateResponse;
  "warden.StopRequest": StopRequest;
  "warden.StopResponse": StopResponse;
  "warden.DestroyRequest": DestroyRequest;
  "warden.DestroyResponse": DestroyResponse;
  "warden.InfoRequest": InfoRequest;
  "warden.InfoResponse.MemoryStat": MemoryStat;
  "warden.InfoResponse.CpuStat": CpuStat;
  "warden.InfoResponse.DiskStat": DiskStat;
  "warden.InfoResponse.BandwidthStat": BandwidthStat;
  "warden.InfoResponse.PidsStat": PidsStat;
  "warden.InfoResponse.NetworkStat": NetworkStat;
  "warden.InfoResponse": InfoResponse;
  "warden.ResourceLimits": ResourceLimits;
  "warden.Terminal": Terminal;
  "warden.SpawnRequest": SpawnRequest;
  "warden.SpawnResponse": SpawnResponse;
  "warden.LinkRequest": LinkRequest;
  "warden.LinkResponse": LinkResponse;
  "warden.RunRequest": RunRequest;
  "warden.RunResponse": RunResponse;
  "warden.StreamRequest": StreamRequest;
  "warden.StreamResponse": StreamResponse;
  "warden.InputRequest": InputRequest;
  "warden.InputResponse": InputResponse;
  "warden.ResizeRequest": ResizeRequest;
  "warden.ResizeResponse": ResizeResponse;
  "warden.SignalRequest": SignalRequest;
  "warden.SignalResponse": SignalResponse;
  "warden.JobsRequest": JobsRequest;
  "warden.JobsResponse.Job": Job;
  "warden.JobsResponse": JobsResponse;
  "warden.LogsRequest": LogsRequest;
  "warden.LogsResponse": LogsResponse;
  "warden.LimitMemoryRequest": LimitMemoryRequest;
  "warden.LimitMemoryResponse": LimitMemoryResponse;
  "warden.LimitCpuRequest": LimitCpuRequest;
  "warden.LimitCpuResponse": LimitCpuResponse;
  "warden.LimitPidsRequest": LimitPidsRequest;
  "warden.LimitPidsResponse": LimitPidsResponse;
  "warden.LimitBandwidthRequest": LimitBandwidthRequest;
  "warden.LimitBandwidthResponse": LimitBandwidthResponse;
  "warden.LimitDiskRequest": LimitDiskRequest;
  "warden.LimitDiskResponse": LimitDiskResponse;
  "warden.Process": Process;
  "warden.ProcessesRequest": ProcessesRequest;
  "warden.ProcessesResponse": ProcessesResponse;
  "warden.PingRequest": PingRequest;
  "warden.PingResponse": PingResponse;
  "warden.LabelFilter": LabelFilter;
  "warden.ListRequest": ListRequest;
  "warden.ContainerSummary": ContainerSummary;
  "warden.ListResponse": ListResponse;
  "warden.EchoRequest": EchoRequest;
  "warden.EchoResponse": EchoResponse;
}
