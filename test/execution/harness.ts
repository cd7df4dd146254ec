/** A machine with a memory disk, driven the way the replica drives it. */
import { ByteWriter, fromLatin1, hashText, latin1, text, utf8 } from '../../base/index.ts'
import {
  EntryBuilder,
  Machine,
  blockKey,
  decodeDeleteResult,
  decodeGetResult,
  decodePutResult,
  decodeRangeResult,
  decodeResult,
  decodeSessionResult,
  encodeCancelArgs,
  encodeCommand,
  encodeRangeArgs,
  encodeSessionArgs,
  writeDelete,
  writePut,
} from '../../execution/index.ts'
import { activateAll } from '../support/activation.ts'
import type { Flush, KeyRange, MachineOptions, RangeRequest, Result, SessionHeader } from '../../execution/index.ts'

export type Disk = Map<string, Uint8Array>
/** Unless `activate` is false, the first entry puts the programs in force. */
export type Options = Omit<MachineOptions, 'readBlock'> & { readonly activate?: boolean }

export const bytesOf = (value: string | Uint8Array): Uint8Array => (typeof value === 'string' ? utf8(value) : value)

export const put = (key: string | Uint8Array, value: string | Uint8Array, header?: SessionHeader): Uint8Array => {
  const writer = new ByteWriter()
  writePut(writer, header, bytesOf(key), bytesOf(value))
  return writer.take()
}

export const del = (range: KeyRange, header?: SessionHeader): Uint8Array => {
  const writer = new ByteWriter()
  writeDelete(writer, header, range)
  return writer.take()
}

export const call = (program: string, method: string, args: Uint8Array, header?: SessionHeader): Uint8Array => {
  const writer = new ByteWriter()
  encodeCommand(writer, { ...header, program, method, args })
  return writer.take()
}

export const sessionId = (n: number): Uint8Array => new Uint8Array(16).fill(n)
export const open = (n: number) => call('session', 'open', encodeSessionArgs(sessionId(n)))
export const close = (n: number) => call('session', 'close', encodeSessionArgs(sessionId(n)))
export const cancel = (n: number, seq: number) => call('session', 'cancel', encodeCancelArgs(sessionId(n), seq))
export const numbered = (n: number, seq: number, answeredUpTo = 0): SessionHeader => ({
  session: sessionId(n),
  seq,
  answeredUpTo,
})

/** The error code of a result, or 'ok'. */
export const codeOf = (result: Uint8Array): string => {
  const decoded = decodeResult(result)
  return decoded.ok ? 'ok' : decoded.error.code
}

export const errorOf = (result: Uint8Array) => {
  const decoded = decodeResult(result)
  if (decoded.ok) throw new Error('no error')
  return decoded.error
}

export const payloadOf = (result: Uint8Array): Uint8Array => {
  const decoded: Result = decodeResult(result)
  if (!decoded.ok) throw decoded.error
  return decoded.payload
}

export const revisionOf = (result: Uint8Array): number => decodePutResult(payloadOf(result)).revision
export const deletedOf = (result: Uint8Array): number => decodeDeleteResult(payloadOf(result)).deleted
export const saidYes = (result: Uint8Array): boolean => decodeSessionResult(payloadOf(result))

export class Box {
  readonly options: Options
  readonly disk: Disk
  machine: Machine
  /** Whether entries come as Node's Buffers, as from a log that was read back. */
  entriesAsBuffers = false
  private inFlight: Flush | undefined

  constructor(options: Options = {}, disk: Disk = new Map()) {
    this.options = options
    this.disk = disk
    this.machine = this.load()
    if (disk.size > 0 || options.activate === false || (options.programs ?? []).length === 0) return
    // On disk at once, as no test means to lose it.
    activateAll(this.machine)
    this.flush()
  }

  /** A machine over what the disk holds. */
  load(): Machine {
    const readBlock = (id: number, offset = 0, length = Infinity): Uint8Array | undefined =>
      this.handOut(latin1(blockKey(id)))?.subarray(offset, offset + length)
    const machine = new Machine({ ...this.options, readBlock })
    for (const key of [...this.disk.keys()].sort()) machine.load(fromLatin1(key), this.handOut(key) as Uint8Array)
    machine.finishLoad()
    return machine
  }

  /** As a database does: its own kind of byte string. */
  private handOut(key: string): Uint8Array | undefined {
    const bytes = this.disk.get(key)
    return bytes === undefined ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** Everything not flushed is gone. */
  restart(): void {
    this.inFlight = undefined
    this.machine = this.load()
  }

  apply(commands: readonly Uint8Array[], logTime = 0, wallTime = logTime): Uint8Array[] {
    const builder = new EntryBuilder()
    for (const command of commands) builder.add(command)
    return this.applyEntry(builder.finish(logTime, wallTime))
  }

  applyEntry(entry: Uint8Array): Uint8Array[] {
    const results: Uint8Array[] = []
    const bytes = this.entriesAsBuffers ? Buffer.from(entry) : entry
    this.machine.startEntry(this.machine.appliedIndex + 1, 1, bytes)
    while (this.machine.step((position, result) => (results[position] = result)));
    this.machine.finishEntry()
    return results
  }

  run(command: Uint8Array): Uint8Array {
    return this.apply([command])[0] as Uint8Array
  }

  seal(): boolean {
    if (this.inFlight !== undefined) return false
    this.inFlight = this.machine.seal()
    return this.inFlight !== undefined
  }

  /** The batch reaches the disk; the machine has not heard of it yet. */
  write(): void {
    for (const { key, value } of this.inFlight?.changes ?? []) {
      if (value === undefined) this.disk.delete(latin1(key))
      else this.disk.set(latin1(key), value.slice())
    }
  }

  flushed(): void {
    if (this.inFlight !== undefined) this.machine.flushed(this.inFlight)
    this.inFlight = undefined
  }

  flush(): void {
    this.seal()
    this.write()
    this.flushed()
  }

  hash(): string {
    return hashText(this.machine.stateHash())
  }

  getRecord(key: string | Uint8Array) {
    return decodeGetResult(payloadOf(this.machine.query('kv', 'get', bytesOf(key)))).record
  }

  get(key: string | Uint8Array): string | undefined {
    const record = this.getRecord(key)
    return record === undefined ? undefined : text(record.value)
  }

  range(request: RangeRequest) {
    return decodeRangeResult(payloadOf(this.machine.query('kv', 'range', encodeRangeArgs(request))))
  }
}
