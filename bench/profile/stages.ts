/**
 * The stages of a put on a server, and which stage a function belongs to.
 *
 * A function of this project belongs to the stage of its file. Everything else (base/, Node, libraries, natives) belongs to
 * whoever called it, so that hashing in apply is apply, and a system call of the socket is the socket.
 */
import type { ProfileNode } from './inspector.ts'

/** One row of the CPU budget. */
export interface Stage {
  readonly name: string
  /** What a put may cost here, in microseconds: the split of the budget of 3 µs per put and server. */
  readonly goalUs: number
  /** Files, from the project's folder on. */
  readonly files: RegExp
}

/** In the order of a put's way; the first that matches a file is the file's. */
export const stages: readonly Stage[] = [
  { name: 'socket: links, WebSocket, streams', goalUs: 0.4, files: /^net\/|\/ws\/(?:lib|wrapper)/ },
  { name: 'decode: batches, envelopes', goalUs: 0.1, files: /^src\/wire\// },
  { name: 'client port: admission, replies', goalUs: 0.2, files: /^src\/node\// },
  {
    name: 'batch and propose',
    goalUs: 0.2,
    files: /^src\/replica\/(?:intake|proposals|forwarder|calls|log-clock)\b/,
  },
  { name: 'consensus', goalUs: 0.1, files: /^consensus\// },
  { name: 'log: records, write, witness', goalUs: 0.2, files: /^src\/storage\/log\/|^src\/replica\/log-writer\b/ },
  { name: 'replicate: peer messages', goalUs: 0.1, files: /^src\/replica\/(?:outbox|links|peer-messages)\b/ },
  {
    name: 'flush: blocks, state directory',
    goalUs: 0.4,
    files:
      /^execution\/(?:flush|blocks)\b|^src\/replica\/(?:flusher|vault)\b|^src\/storage\/(?:state|adapters\/level)\b/,
  },
  { name: 'apply', goalUs: 0.7, files: /^execution\/(?!entry\b)|^src\/replica\/applier\b/ },
  { name: 'driver and other replica', goalUs: 0.1, files: /^src\/replica\/|^src\/storage\/(?!adapters)/ },
  { name: 'server: metrics, logs, health', goalUs: 0, files: /^src\/server\/|\/(?:prom-client|pino)\// },
]

/** Time that is nobody's frame. */
export const outside = {
  collector: 'garbage collection',
  program: 'native code outside any frame',
  node: 'Node: event loop, timers, callbacks',
  threads: 'other threads: file system, compiler, collector',
} as const

/** Budget of {@link outside}, in microseconds. */
export const outsideGoalUs: Readonly<Record<string, number>> = {
  [outside.collector]: 0.1,
  [outside.program]: 0.1,
  [outside.node]: 0.1,
  [outside.threads]: 0.2,
}

/** The file of a frame: from the project's folder on, or as it stands for Node and libraries. */
export function fileOf({ callFrame }: ProfileNode): string {
  const { url } = callFrame
  const project = /\/dist\/((?:base|consensus|crdt|execution|net|src)\/.*)\.js$/.exec(url)?.[1]
  return project ?? /\/node_modules\/(.*)$/.exec(url)?.[1]?.replace(/^/, '/') ?? url
}

/** The stage that a frame's own file belongs to, if it is any stage's. */
export function stageOf(node: ProfileNode): string | undefined {
  const file = fileOf(node)
  return stages.find(({ files }) => files.test(file))?.name
}

/** What a put may cost a server in all, in microseconds. */
export const budgetUs = [...stages.map(({ goalUs }) => goalUs), ...Object.values(outsideGoalUs)].reduce(
  (a, b) => a + b,
  0,
)
