export { type Address, DEFAULT_SOCKET_PATH } from './address.js';
export type { CallOptions } from './cancellation.js';
export { type ClientOptions, type JobInput, type JobResult, type LogsRange, WardenClient } from './client.js';
export type { JobRequest } from './job-request.js';
export type { EndingDetails, JobLogs, JobStream, LogsChunk, LogsResult, OutputChunk, StreamResult } from './job-stream.js';
export { BindMountMode, type ErrorCode, errorCodes, NetInProtocol, NetOutProtocol, WardenError } from 'warden-protocol';
export type * from 'warden-protocol';
