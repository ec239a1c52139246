/*
 * The Warden protocol seen from the outside: an encoder and decoder of its own, written from docs/protocol.md's
 * table of fields and not from the generated code, so that a mistake made in packages/protocol cannot hide itself
 * by being made on both sides of a test.
 *
 * Only what the tests need: proto2, the wire types 0 (varint) and 2 (length), no groups.
 */

export type FieldKind = 'string' | 'bytes' | 'uint32' | 'int32' | 'uint64' | 'bool' | Schema;
export interface Field { readonly number: number; readonly kind: FieldKind; readonly repeated?: boolean }
export interface Schema { readonly [name: string]: Field }
export type Value = string | Buffer | number | bigint | boolean | Fields | readonly Value[];
export interface Fields { [name: string]: Value | undefined }

const field = (number: number, kind: FieldKind): Field => ({ number, kind });
const many = (number: number, kind: FieldKind): Field => ({ number, kind, repeated: true });

const counters = (first: number, names: string): Schema =>
  Object.fromEntries(names.split(' ').map((name, index) => [name, field(first + index, 'uint64')]));

const rlimits = counters(1, 'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio sigpending stack');
const memory = counters(1, [
  'cache rss mapped_file pgpgin pgpgout swap pgfault pgmajfault inactive_anon active_anon inactive_file active_file unevictable hierarchical_memory_limit hierarchical_memsw_limit',
  'total_cache total_rss total_mapped_file total_pgpgin total_pgpgout total_swap total_pgfault total_pgmajfault total_inactive_anon total_active_anon total_inactive_file total_active_file total_unevictable',
].join(' '));
const bindMount: Schema = { src_path: field(1, 'string'), dst_path: field(2, 'string'), mode: field(3, 'uint32') };
const netOut: Schema = {
  network: field(2, 'string'), port: field(3, 'uint32'), port_range: field(4, 'string'), protocol: field(5, 'uint32'), icmp_type: field(6, 'int32'),
  icmp_code: field(7, 'int32'), log: field(8, 'bool'), domain: field(1001, 'string'),
};
const label: Schema = { key: field(1, 'string'), value: field(2, 'string') };
const netIn: Schema = { host_port: field(1, 'uint32'), container_port: field(2, 'uint32'), protocol: field(3, 'uint32') };
const info: Schema = {
  state: field(10, 'string'), events: many(20, 'string'), host_ip: field(30, 'string'), container_ip: field(31, 'string'),
  container_path: field(32, 'string'), memory_stat: field(40, memory),
  cpu_stat: field(41, counters(1, 'usage user system')), disk_stat: field(42, counters(1, 'bytes_used inodes_used')),
  bandwidth_stat: field(43, counters(1, 'in_rate in_burst out_rate out_burst')), job_ids: many(44, 'uint64'),
  disk_backend: field(1000, 'string'), pids_stat: field(1010, counters(1, 'current max')),
  net_out: many(1020, netOut),
  net_in: many(1021, netIn),
  bind_mounts: many(1030, bindMount),
  network_stat: field(1022, counters(1, 'in_bytes in_packets out_bytes out_packets')),
  labels: many(1040, label), ttl_left_ms: field(1041, 'uint64'), created_ms: field(1042, 'uint64'),
};
const handle: Schema = { handle: field(1, 'string') };
const job: Schema = {
  ...handle, script: field(2, 'string'), privileged: field(3, 'bool'), rlimits: field(4, rlimits),
  discard_output: field(5, 'bool'), log_tag: field(6, 'string'),
  env: many(1000, 'string'), cwd: field(1001, 'string'), args: many(1002, 'string'), stdin: field(1003, 'bool'),
  tty: field(1004, { rows: field(1, 'uint32'), columns: field(2, 'uint32'), term: field(3, 'string') }),
  timeout_ms: field(1005, 'uint64'), user: field(1006, 'string'),
};
const ending: Schema = { signal: field(1001, 'uint32'), timed_out: field(1002, 'bool'), lost: field(1003, 'bool') };
const jobReference: Schema = { ...handle, job_id: field(2, 'uint32') };
const jobResult: Schema = { exit_status: field(1, 'uint32'), stdout: field(2, 'bytes'), stderr: field(3, 'bytes'), info: field(4, info), ...ending };
const listedJob: Schema = {
  id: field(1, 'uint32'), state: field(2, 'string'), command: field(3, 'string'), started_ms: field(4, 'uint64'), ended_ms: field(5, 'uint64'),
  exit_status: field(6, 'uint32'), signal: field(7, 'uint32'), timed_out: field(8, 'bool'), output_bytes: field(9, 'uint64'),
  pid: field(10, 'uint32'), lost: field(11, 'bool'),
};
const diskLimits: Schema = {
  ...counters(10, 'block_limit block block_soft block_hard'), ...counters(20, 'inode_limit inode inode_soft inode_hard'),
  ...counters(30, 'byte_limit byte byte_soft byte_hard'),
};
const copy: Schema = { ...handle, src_path: field(2, 'string'), dst_path: field(3, 'string'), owner: field(4, 'string'), progress: field(1000, 'bool'), keep_set_id: field(1001, 'bool') };
const copyCounts: Schema = { made: field(1, 'uint64'), bytes: field(2, 'uint64'), skipped: field(3, 'uint64') };
const copied: Schema = { progress: field(1000, copyCounts), made: field(1001, 'uint64'), bytes: field(1002, 'uint64'), skipped: field(1003, 'uint64'), skipped_paths: many(1004, 'string') };
const cpu: Schema = { quota_in_us: field(1000, 'uint64'), period_in_us: field(1001, 'uint64'), cpus: field(1002, 'string') };
const registryAuth: Schema = { username: field(1, 'string'), password: field(2, 'string'), identity_token: field(3, 'string') };
const imageProgress: Schema = { item: field(1, 'string'), step: field(2, 'string'), done_bytes: field(3, 'uint64'), total_bytes: field(4, 'uint64'), layers: field(5, 'uint32') };
const image: Schema = {
  id: field(1, 'string'), names: many(2, 'string'), size_bytes: field(3, 'uint64'), created_ms: field(4, 'uint64'),
  layers: many(5, { diff_id: field(1, 'string'), size_bytes: field(2, 'uint64') }), containers: field(6, 'uint32'),
};

export interface Operation { readonly type: number; readonly request: Schema; readonly response: Schema }

export const ERROR_TYPE = 1;
export const errorSchema: Schema = { message: field(2, 'string'), backtrace: many(3, 'string'), data: field(4, 'string') };
export const operations = {
  create: {
    type: 11, response: handle,
    request: {
      bind_mounts: many(1, bindMount), hooks: many(1000, { point: field(1, 'uint32'), program: field(2, 'string'), args: many(3, 'string'), timeout_ms: field(4, 'uint64') }), grace_time: field(2, 'uint32'), handle: field(3, 'string'),
      network: field(4, 'string'), rootfs: field(5, 'string'), pull: field(1010, 'uint32'), registry_auth: field(1011, registryAuth),
      labels: many(1030, label), ttl: field(1031, 'uint32'),
    },
  },
  stop: { type: 12, request: { ...handle, background: field(10, 'bool'), kill: field(20, 'bool') }, response: {} },
  destroy: { type: 13, request: handle, response: {} },
  info: { type: 14, request: handle, response: info },
  spawn: { type: 21, request: job, response: { job_id: field(1, 'uint32') } },
  link: { type: 22, request: jobReference, response: jobResult },
  run: { type: 23, request: job, response: jobResult },
  stream: {
    type: 24, request: jobReference,
    response: { name: field(1, 'string'), data: field(2, 'bytes'), exit_status: field(3, 'uint32'), info: field(4, info), ...ending },
  },
  net_in: {
    type: 31, request: { ...handle, container_port: field(2, 'uint32'), host_port: field(3, 'uint32'), protocol: field(1000, 'uint32'), remove: field(1001, 'bool') },
    response: { host_port: field(1, 'uint32'), container_port: field(2, 'uint32') },
  },
  net_out: { type: 32, request: { ...handle, ...netOut, remove: field(1000, 'bool') }, response: {} },
  copy_in: { type: 41, request: copy, response: copied },
  copy_out: { type: 42, request: copy, response: copied },
  limit_memory: { type: 51, request: { ...handle, limit_in_bytes: field(2, 'uint64') }, response: { limit_in_bytes: field(1, 'uint64') } },
  limit_disk: { type: 52, request: { ...handle, ...diskLimits }, response: diskLimits },
  limit_bandwidth: {
    type: 53, request: { ...handle, rate: field(2, 'uint64'), burst: field(3, 'uint64') },
    response: { rate: field(1, 'uint64'), burst: field(2, 'uint64') },
  },
  limit_cpu: { type: 54, request: { ...handle, limit_in_shares: field(2, 'uint64'), ...cpu }, response: { limit_in_shares: field(1, 'uint64'), ...cpu } },
  limit_pids: { type: 1036, request: { ...handle, limit: field(2, 'uint64') }, response: { limit: field(1, 'uint64') } },
  ping: { type: 91, request: {}, response: {} },
  list: {
    type: 92, request: { labels: many(1000, label), details: field(1001, 'bool'), limit: field(1005, 'uint32'), after: field(1006, 'string') },
    response: {
      handles: many(1, 'string'),
      containers: many(1002, {
        handle: field(1, 'string'), state: field(2, 'string'), container_ip: field(3, 'string'), labels: many(4, label), created_ms: field(5, 'uint64'), ttl_left_ms: field(6, 'uint64'),
        rootfs: field(7, 'string'), net_in: many(8, netIn), jobs: field(9, 'uint32'),
      }),
      next: field(1007, 'string'),
    },
  },
  input: { type: 1001, request: { ...jobReference, data: field(3, 'bytes'), close: field(4, 'bool') }, response: {} },
  resize: { type: 1002, request: { ...jobReference, rows: field(3, 'uint32'), columns: field(4, 'uint32') }, response: {} },
  signal: { type: 1003, request: { ...jobReference, signal: field(3, 'uint32') }, response: {} },
  jobs: { type: 1004, request: handle, response: { jobs: many(1, listedJob) } },
  logs: {
    type: 1005, request: { ...jobReference, since_byte: field(3, 'uint64'), follow: field(4, 'bool') },
    response: {
      name: field(1, 'string'), data: field(2, 'bytes'), exit_status: field(3, 'uint32'), position: field(1000, 'uint64'), ...ending, last: field(1004, 'bool'),
    },
  },
  image_import: {
    type: 1020, request: { path: field(1, 'string'), name: field(2, 'string'), progress: field(3, 'bool') },
    response: { progress: field(1, imageProgress), images: many(2, image) },
  },
  image_pull: {
    type: 1021, request: { reference: field(1, 'string'), auth: field(2, registryAuth), progress: field(3, 'bool'), platform: field(4, 'string') },
    response: { progress: field(1, imageProgress), image: field(2, image), manifest_digest: field(3, 'string') },
  },
  image_list: { type: 1022, request: {}, response: { images: many(1, image) } },
  image_inspect: {
    type: 1023, request: { name: field(1, 'string') },
    response: { image: field(1, image), config: field(2, 'string'), source: field(3, 'string'), manifest_digest: field(4, 'string') },
  },
  image_remove: { type: 1024, request: { name: field(1, 'string') }, response: { untagged: many(1, 'string'), removed: field(2, 'string') } },
  rootfs_list: { type: 1025, request: {}, response: { rootfs: many(1, { name: field(1, 'string'), path: field(2, 'string') }) } },
  rootfs_set: { type: 1026, request: { name: field(1, 'string'), path: field(2, 'string'), remove: field(3, 'bool') }, response: {} },
  events: {
    type: 1030, request: { handle: field(1, 'string') },
    response: {
      kind: field(1, 'string'), time_ms: field(2, 'uint64'), handle: field(3, 'string'), event: field(4, 'string'), job_id: field(5, 'uint32'), exit_status: field(6, 'uint32'),
      signal: field(7, 'uint32'), timed_out: field(8, 'bool'), lost: field(9, 'bool'), missed: field(10, 'uint32'),
    },
  },
  processes: {
    type: 1032, request: handle,
    response: {
      processes: many(1, {
        pid: field(1, 'uint32'), parent_pid: field(2, 'uint32'), uid: field(3, 'uint32'), state: field(4, 'string'), threads: field(5, 'uint32'), cpu_time_ms: field(6, 'uint64'),
        resident_bytes: field(7, 'uint64'), started_ms: field(8, 'uint64'), name: field(9, 'bytes'), command_line: field(10, 'bytes'),
      }),
      more: field(2, 'bool'),
    },
  },
  echo: { type: 93, request: { message: field(1, 'string') }, response: { message: field(1, 'string') } },
} as const satisfies Record<string, Operation>;
export type OperationName = keyof typeof operations;

export function varint(value: bigint | number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

/** One field of wire type 2: tag, length, content. */
export function lengthDelimited(number: number, content: Buffer): Buffer {
  return Buffer.concat([varint(number << 3 | 2), varint(content.length), content]);
}

function encodeValue({ number, kind }: Field, value: Value): Buffer {
  if (typeof kind === 'object') return lengthDelimited(number, encode(kind, value as Fields));
  if (kind === 'string' || kind === 'bytes') {
    return lengthDelimited(number, Buffer.isBuffer(value) ? value : Buffer.from(String(value)));
  }
  // Negative numbers take ten bytes.
  return Buffer.concat([varint(number << 3), varint(BigInt.asUintN(64, BigInt(value as number | bigint | boolean)))]);
}

export function encode(schema: Schema, fields: Fields): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const definition = schema[name];
    if (definition === undefined) throw new Error(`the message has no field ${name}`);
    for (const item of Array.isArray(value) ? value as Value[] : [value]) parts.push(encodeValue(definition, item));
  }
  return Buffer.concat(parts);
}

function decodeContent(kind: FieldKind, content: Buffer): Value {
  if (typeof kind === 'object') return decode(kind, content);
  return kind === 'bytes' ? content : content.toString();
}

function decodeNumber(kind: FieldKind, value: bigint): Value {
  if (kind === 'bool') return value !== 0n;
  if (kind === 'int32') return Number(BigInt.asIntN(32, value));
  return kind === 'uint64' ? value : Number(value);
}

/** Fields the schema does not name are passed over, as an old client does with a new server's. */
export function decode(schema: Schema, bytes: Buffer): Fields {
  const byNumber = new Map(Object.entries(schema).map(([name, definition]) => [definition.number, { name, ...definition }]));
  const result: Fields = {};
  for (const [name, definition] of Object.entries(schema)) if (definition.repeated) result[name] = [];
  let offset = 0;
  const readVarint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[offset++];
      if (byte === undefined) throw new Error('truncated varint in a reply');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new Error('overlong varint in a reply');
  };
  while (offset < bytes.length) {
    const tag = Number(readVarint());
    const wireType = tag & 7;
    if (wireType !== 0 && wireType !== 2) throw new Error(`wire type ${wireType} in a reply`);
    const number = readVarint();
    const content = wireType === 2 ? bytes.subarray(offset, offset += Number(number)) : undefined;
    if (offset > bytes.length) throw new Error('truncated field in a reply');
    const definition = byNumber.get(tag >> 3);
    if (definition === undefined) continue;
    const value = content === undefined ? decodeNumber(definition.kind, number) : decodeContent(definition.kind, content);
    if (definition.repeated) (result[definition.name] as Value[]).push(value);
    else result[definition.name] = value;
  }
  return result;
}

/** Message { type = 1, payload = 2 } in its frame `<length>\r\n<bytes>\r\n`. */
export function frame(type: number, payload: Buffer): Buffer {
  const message = Buffer.concat([varint(1 << 3), varint(type), lengthDelimited(2, payload)]);
  return rawFrame(message);
}

export function rawFrame(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${message.length}\r\n`), message, Buffer.from('\r\n')]);
}

const messageSchema: Schema = { type: field(1, 'uint32'), payload: field(2, 'bytes') };

export interface Reply { readonly type: number; readonly payload: Buffer }

/** Length of the whole frame that `pending` begins with; 0 when that cannot be known yet. */
export function announcedLength(pending: Buffer): number {
  const end = pending.indexOf('\r\n');
  return end < 0 ? 0 : end + 2 + Number(pending.subarray(0, end).toString()) + 2;
}

/** Cuts complete frames off the front of `pending`; returns what is left. */
export function takeFrames(pending: Buffer, onReply: (reply: Reply) => void): Buffer {
  for (;;) {
    const end = pending.indexOf('\r\n');
    if (end < 0) return pending;
    const length = Number(pending.subarray(0, end).toString());
    if (!Number.isInteger(length)) throw new Error(`the server sent the length ${pending.subarray(0, end).toString()}`);
    const total = end + 2 + length + 2;
    if (pending.length < total) return pending;
    if (pending.subarray(total - 2, total).toString() !== '\r\n') throw new Error('a frame of the server does not end in CR LF');
    const message = decode(messageSchema, pending.subarray(end + 2, end + 2 + length));
    onReply({ type: message['type'] as number, payload: (message['payload'] ?? Buffer.alloc(0)) as Buffer });
    pending = pending.subarray(total);
  }
}
