export { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
export { ErrorResponseSchema } from './gen/envelope_pb.js';
export { CreateRequest_BindMount_Mode as BindMountMode, CreateRequest_Hook_Point as HookPoint, CreateRequest_Pull as PullPolicy } from './gen/lifecycle_pb.js';
export { NetInRequest_PortProtocol as NetInProtocol, NetOutRequest_Protocol as NetOutProtocol } from './gen/net_pb.js';
export type * from './gen/plain.js';
export { MessageError } from './decode.js';
export { isRequired, shortName } from './descriptor.js';
export { EncodedMessage, writeVarint } from './encode.js';
export { InfoResponse_MemoryStatSchema as MemoryStatSchema, InfoResponseSchema as InfoSchema } from './gen/lifecycle_pb.js';
export { type ErrorCode, errorCodes, isErrorCode, WardenError, type WardenErrorOptions } from './error.js';
export { DEFAULT_MAX_FRAME_LENGTH, encodeFrame, FrameDecoder, type FrameDecoderOptions, FrameError, type FrameErrorReason, MAX_FRAME_LENGTH } from './framing.js';
export { type AnyRequest, type AnyResponse, decodeEnvelope, decodeRequest, decodeResponse, encodeError, encodeInfo, encodeRequest, encodeResponse, type Envelope,
  errorOfResponse, type Init, messageTypes, type RequestInit, type RequestName, type RequestOf, type RequestType, requestTypeOf, requestTypes,
  type ResponseInit, type ResponseOf, Type, type TypeOfName } from './messages.js';
export { fieldComments } from './gen/comments.js';
export { encodeContent, encodeLogs, encodeOutput, encodeResult, encodeResultAround } from './output.js';
export { encodePiece, encodePieces } from './pieces.js';
export { withTraceparent } from './trace-field.js';
export { parseTraceparent, type Traceparent } from './traceparent.js';
