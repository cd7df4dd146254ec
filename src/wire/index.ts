/** What travels between clients, nodes and peers, and the two objects that make a channel reliable. */
export {
  CommandBatchWriter,
  forEachCommand,
  forEachQuery,
  QueryBatchWriter,
  type QueryRequest,
  type TaggedVisitor,
} from './batches.ts'
export type { CommandChannel, CommandOwner, QueryChannel } from './channel.ts'
export { CommandSession, type CommandSessionOptions } from './command-session.ts'
export {
  type Call,
  type CallParams,
  type CallValue,
  decodeCall,
  decodeReply,
  decodeStreamChunk,
  encodeCall,
  encodeReply,
  encodeStreamChunk,
  type Reply,
  type StreamChunk,
} from './envelopes.ts'
export { decodeError, encodeError, type ErrorRecord } from './errors.ts'
export { decodeLeaderHint, encodeLeaderHint, frameKinds, type LeaderHint } from './frames.ts'
export { QueryRetrier, type QueryRetrierOptions } from './query-retrier.ts'
export { checkTimeout, type PayloadReader, Request, Requests, type RequestsOptions } from './requests.ts'
export { TagTable } from './tags.ts'
export { WatchChunk, type WatchChannel, type WatchPort, type WatchSink } from './watch-channel.ts'
export {
  readWatchAsks,
  readWatchTells,
  type WatchAsks,
  WatchAskWriter,
  type WatchTells,
  WatchTellWriter,
  type WireWatchRequest,
} from './watch-frames.ts'
export { WatchSession, type WatchSessionOptions } from './watch-session.ts'
