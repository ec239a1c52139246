/**
 * The numbers of native/lib/wire.h, which documents them: frame types, attribute tags, limits and flags. The names are the
 * header's, without the prefix and in camel case; a test compares the two files.
 */

export const wireVersion = 1;
export const headerSize = 8;
export const attributeHeaderSize = 8;
/** Largest body of a frame, in bytes. */
export const maximumBody = 32 << 20;
/** Largest piece of output in one OUTPUT frame, in bytes. */
export const outputChunk = 256 << 10;

/** WIRE_*: what a frame is. */
export const FrameType = {
  hello: 1,
  create: 2,
  firewall: 3,
  abandon: 4,
  discard: 5,
  diskPrepare: 6,
  diskMake: 7,
  quota: 8,
  disk: 9,
  spawn: 10,
  follow: 11,
  forget: 12,
  list: 13,
  signalAll: 14,
  awaitEmpty: 15,
  destroy: 16,
  watch: 17,
  shell: 18,
  killJob: 19,
  input: 20,
  resize: 21,
  transfer: 22,
  content: 23,
  contentEnd: 24,
  shape: 30,
  readShape: 31,
  unshape: 32,
  watchFirewall: 35,
  readLink: 36,
  removeLink: 37,
  datagram: 38,
  copy: 40,
  copyProgress: 41,
  listening: 33,
  forgetConnections: 34,
  run: 40,
  signal: 41,
  configure: 42,
  ready: 50,
  running: 51,
  failed: 52,
  exited: 53,
  empty: 54,
  cloned: 60,
  ok: 100,
  error: 101,
  output: 102,
  exit: 103,
  event: 104,
} as const;

/** TAG_*: what an attribute is. */
export const Tag = {
  request: 1,
  version: 2,
  step: 3,
  errno: 4,
  detail: 5,
  path: 6,
  fault: 7,
  deadlineMs: 8,
  depot: 10,
  monitorProgram: 11,
  wshdProgram: 12,
  seccompProgram: 13,
  owner: 14,
  deviceCgroup: 15,
  id: 20,
  handle: 21,
  directory: 22,
  lower: 23,
  mount: 24,
  source: 25,
  destination: 26,
  flags: 27,
  upperDirectory: 28,
  upperFile: 29,
  accountFile: 30,
  mode: 31,
  uid: 32,
  gid: 33,
  content: 34,
  name: 35,
  line: 36,
  idMap: 37,
  inside: 38,
  outside: 39,
  count: 40,
  cgroup: 41,
  setting: 42,
  hostname: 43,
  link: 44,
  hostName: 45,
  containerName: 46,
  hostMac: 47,
  containerMac: 48,
  hostAddress: 49,
  containerAddress: 50,
  prefix: 51,
  mtu: 52,
  element: 53,
  operation: 54,
  family: 55,
  table: 56,
  set: 57,
  key: 58,
  data: 59,
  keyEnd: 60,
  shmSize: 61,
  pingGroups: 62,
  privilegedCapabilities: 63,
  user: 64,
  syslogSocket: 66,
  job: 80,
  jobId: 81,
  argument: 82,
  environment: 83,
  script: 84,
  workingDirectory: 85,
  privileged: 86,
  rlimit: 87,
  resource: 88,
  soft: 89,
  hard: 90,
  outputLimit: 91,
  discard: 92,
  followOutput: 93,
  position: 94,
  state: 95,
  exitKind: 96,
  exitValue: 97,
  pid: 98,
  status: 99,
  signal: 100,
  event: 101,
  rows: 102,
  columns: 103,
  terminal: 104,
  jobCgroup: 105,
  openInput: 106,
  timeoutMs: 107,
  closeInput: 108,
  timedOut: 109,
  logTag: 110,
  timeZone: 111,
  outputCut: 120,
  userName: 130,
  startedMs: 131,
  endedMs: 132,
  command: 133,
  noWait: 134,
  requireDirectory: 135,
  outOfMemory: 140,
  diskDirectory: 150,
  diskKind: 151,
  diskImage: 152,
  byteLimit: 153,
  diskGroup: 154,
  quotaKind: 161,
  quotaId: 162,
  blockLimit: 163,
  inodeLimit: 164,
  bytesUsed: 165,
  inodesUsed: 166,
  quotaEnforced: 167,
  ifbName: 170,
  rate: 171,
  burst: 172,
  inbound: 173,
  outbound: 174,
  alias: 175,
  chain: 180,
  rule: 181,
  ruleNote: 280,
  ruleGone: 281,
  jump: 182,
  authorPort: 200,
  authorPid: 201,
  authorName: 202,
  elementTimeout: 206,
  inBytes: 210,
  inPackets: 211,
  outBytes: 212,
  outPackets: 213,
  linkIndex: 214,
  forgetUpTo: 270,
  forgotten: 271,
  last: 272,
  copy: 220,
  keepSetId: 221,
  entries: 222,
  bytes: 223,
  skipped: 224,
  skippedPath: 225,
  ownerUid: 226,
  ownerGid: 227,
  writableDirectory: 228,
  filesProgram: 230,
  fileOperation: 231,
  length: 232,
  entry: 233,
  entryKind: 234,
  fileSize: 235,
  modifiedNs: 236,
  target: 237,
  transferFlags: 238,
  entryLimit: 239,
  plain: 305,
  nested: 248,
  controllers: 249,
  allDevices: 250,
  refuseSetId: 240,
  hook: 241,
  hookPoint: 242,
  hookInput: 243,
  protocol: 190,
  port: 191,
  listening: 192,
  addressRange: 193,
  forwardedPort: 194,
  address: 195,
} as const;

/** QUOTA_*: whose files a quota counts. */
export const QuotaKind = {
  user: 1,
  project: 2,
} as const;

/** MOUNT_FLAG_* */
export const MountFlag = {
  readOnly: 1,
  recursive: 2,
  noLinks: 4,
  file: 8,
  hostIds: 16,
  rootsOnly: 32,
} as const;

/** HOOK_* */
export const HookPointNumber = {
  parentBeforeClone: 1,
  parentAfterClone: 2,
  childBeforePivot: 3,
  childAfterPivot: 4,
} as const;

/** ELEMENT_* */
export const ElementOperation = {
  add: 1,
  delete: 2,
  ensure: 3,
} as const;

/** DISK_*: how disks are kept that are not the depot's own. */
export const DiskKind = {
  btrfs: 1,
  image: 2,
} as const;

/** STREAM_* */
export const StreamNumber = {
  stdout: 1,
  stderr: 2,
} as const;

/** JOB_* */
export const JobState = {
  running: 1,
  ended: 2,
} as const;

/** EXIT_* */
export const ExitKind = {
  exited: 1,
  signalled: 2,
  lost: 3,
} as const;

/** FILE_*: what a transfer is to do. */
export const FileOperation = {
  copyIn: 1,
  copyOut: 2,
  read: 10,
  write: 11,
  list: 12,
  stat: 13,
  makeDirectory: 14,
  remove: 15,
  rename: 16,
  tarIn: 17,
  tarOut: 18,
} as const;

/** ENTRY_*: what a name in a directory is. */
export const EntryKind = {
  file: 1,
  directory: 2,
  link: 3,
  other: 4,
} as const;

/** TRANSFER_FLAG_* */
export const TransferFlag = {
  noFollow: 1,
  recursive: 2,
  force: 4,
  create: 8,
  exclusive: 16,
  append: 32,
  truncate: 64,
  keepSetid: 128,
  keepOwner: 256,
} as const;

/** EVENT_* */
export const EventKind = {
  outputLimit: 1,
  wshdDied: 2,
  jobEnded: 3,
  rlimitClamped: 4,
  recordFailed: 5,
  jobTimedOut: 6,
  outOfMemory: 7,
  firewallChanged: 200,
} as const;
