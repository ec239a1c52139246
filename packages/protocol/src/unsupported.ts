// Requests of the protocol that this version of the server knows and refuses. A test of the server holds it to this table.
import { type RequestType, Type } from './messages.js';

/** Answered with the code `unsupported` by this version. */
export const UNSUPPORTED_REQUESTS: ReadonlySet<RequestType> = new Set<RequestType>([
  Type.CopyIn, Type.CopyOut,
  Type.ImageImport, Type.ImagePull, Type.ImageList, Type.ImageInspect, Type.ImageRemove, Type.RootfsList, Type.RootfsSet,
]);
