export { type Address, DEFAULT_SOCKET_PATH } from './address.js';
export type { CallOptions } from './cancellation.js';
export { type ClientOptions, type JobResult, WardenClient } from './client.js';
export type { JobStream, OutputChunk, StreamResult } from './job-stream.js';
export { BindMountMode, type ErrorCode, errorCodes, NetOutProtocol, WardenError } from 'warden-protocol';
export type * from 'warden-protocol';
