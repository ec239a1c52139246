export { type FakeHandlers, FakeServer, type FakeSession } from './fake-server.js';
export type { MockContainer } from './mock-containers.js';
export type { MockImages } from './mock-images.js';
export type { MockJob, MockOutcome, MockPiece, MockProcess, MockProgram } from './mock-job.js';
export type { MockDirectory, MockFile, MockLink, MockNode, MockTree } from './mock-tree.js';
export { MockServer, type MockServerOptions } from './mock-server.js';
