/** Codecs of the messages, made from their tables by protobufjs. */
import protobuf from 'protobufjs/light.js'
import { enumOf, enums, fieldsOf, messages } from './schema/index.ts'
import type { Decoded, Encodable, FieldSpec, MessageName } from './schema/index.ts'

class NumberReader extends protobuf.BufferReader {
  override readonly discardUnknown: boolean = true
}

/** Numbers that `int64` and `uint64` hold come as numbers: exact up to 2^53, rounded beyond. */
Object.assign(NumberReader.prototype, { int64: readSigned, uint64: readUnsigned })

function readSigned(this: protobuf.Reader): number {
  let low = 0
  let high = 0
  for (let i = 0; i < 10; i++) {
    if (this.pos >= this.len) throw new RangeError('a number runs past the end')
    const byte = this.buf[this.pos++] as number
    const bits = byte & 0x7f
    if (i < 4) low |= bits << (7 * i)
    else if (i > 4) high |= bits << (7 * i - 32)
    else {
      low |= bits << 28
      high |= bits >>> 4
    }
    if (byte < 0x80) return high * 0x1_0000_0000 + (low >>> 0)
  }
  throw new RangeError('a number has more than ten bytes')
}

function readUnsigned(this: protobuf.Reader): number {
  const number = readSigned.call(this)
  return number < 0 ? number + 2 ** 64 : number
}

const noBytes = new Uint8Array(0)
const types = makeTypes()

function makeTypes(): ReadonlyMap<string, protobuf.Type> {
  const nested: Record<string, protobuf.IType | protobuf.IEnum> = {}
  for (const [name, names] of Object.entries(enums)) {
    nested[name] = { values: Object.fromEntries(names.map((value, number) => [value, number])) }
  }
  for (const name of Object.keys(messages)) nested[name] = descriptorOf(fieldsOf(name) ?? {})
  const root = protobuf.Root.fromJSON({ edition: 'proto3', nested } as protobuf.INamespace)
  root.resolveAll()
  return new Map(Object.keys(messages).map((name) => [name, withDefaults(root.lookupType(name), name)]))
}

function descriptorOf(table: Readonly<Record<string, FieldSpec>>): protobuf.IType {
  const fields: Record<string, protobuf.IField> = {}
  const exclusive: string[] = []
  for (const [field, [id, type, rule]] of Object.entries(table)) {
    fields[field] = { id, type, ...(rule === 'repeated' ? { rule } : {}) }
    if (rule === 'oneof') exclusive.push(field)
  }
  return { fields, ...(exclusive.length > 0 ? { oneofs: { which: { oneof: exclusive } } } : {}) }
}

/** Absent numbers are 0 and absent bytes are bytes, not what protobufjs has in their place. */
function withDefaults(type: protobuf.Type, name: string): protobuf.Type {
  const prototype = type.ctor.prototype as unknown as Record<string, unknown>
  for (const [field, [, kind, rule]] of Object.entries(fieldsOf(name) ?? {})) {
    if (rule === 'repeated') continue
    if (rule === 'oneof') prototype[field] = null
    else if (kind === 'bytes') prototype[field] = noBytes
    else if (kind === 'int64' || kind === 'uint64' || enumOf(kind) !== undefined) prototype[field] = 0
  }
  return type
}

function typeOf(name: MessageName): protobuf.Type {
  const type = types.get(name)
  if (type === undefined) throw new TypeError(`there is no message ${name}`)
  return type
}

/** Reads and writes messages of one kind. */
export interface MessageCodec<In, Out> {
  readonly name: MessageName
  /** Reads a message; its bytes are views. Throws an Error for bytes that are no message. */
  decode(bytes: Uint8Array): In
  encode(message: Out): Uint8Array
}

/** The codec of a message. */
export function codecOf<Name extends MessageName>(name: Name): MessageCodec<Decoded<Name>, Encodable<Name>> {
  const type = typeOf(name)
  return {
    name,
    decode: (bytes) => type.decode(new NumberReader(asBuffer(bytes))) as unknown as Decoded<Name>,
    encode: (message) => type.encode(message).finish(),
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
