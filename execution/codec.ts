/** What a client needs to speak to the machine: codecs and limits, without the machine. */
export * from './command.ts'
export * from './entry.ts'
export * from './kv-codec.ts'
export * from './limits.ts'
export * from './result.ts'
export * from './session-codec.ts'
