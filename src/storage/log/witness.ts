/**
 * The witness: a file of exactly two 512-byte slots, written in turn, that knows what the log must at least contain.
 *
 *   0 u32 magic              32 u64 term                64 u64 durable index      96 u64 compacted index
 *   4 u32 format             40 u64 vote                72 u64 durable term      104 u64 compacted term
 *   8 u64 sequence           48 u64 commit              80 u64 first segment     112 zero bytes
 *  16 16 bytes incarnation   56 u64 durable number      88 u64 last segment      508 u32 checksum of bytes 0..508
 *
 * It is the only home of term and vote. Slot `sequence % 2` holds `sequence`; both slots are valid from creation on and
 * their sequences differ by one. A slot is one sector and a sector is written whole or not at all, so an invalid slot is
 * never the trace of a crash: it is damage, and the vote in it may be gone. That holds for the older slot too, since
 * nobody can tell which one was newer. A write that was lost altogether leaves two valid slots; then the records, which
 * carry the newest witness sequence known to be synced, tell.
 */
import type { Crypto, FileHandle, Files } from '../../../base/index.ts'
import { equalBytes, replaceFile } from '../../../base/index.ts'
import { dataView, getU64, putU64, sectorBytes } from './bytes.ts'
import { damaged } from './damage.ts'

const magic = 0x3157534e
const format = 1

/** Name of the witness in the log's directory. */
export const witnessName = 'witness'

/** What the witness knows. */
export interface WitnessFacts {
  readonly term: number
  readonly vote: number
  readonly commit: number
  /** Number, index and term of the last record known to be synced; the index and term are the log's last then. */
  readonly durableNumber: number
  readonly durableIndex: number
  readonly durableTerm: number
  /** Segments from the first to the last must exist. */
  readonly firstSegment: number
  readonly lastSegment: number
  /** Entries up to here are not needed. */
  readonly compactedIndex: number
  readonly compactedTerm: number
}

/** The facts of a log without records. */
export const emptyFacts: WitnessFacts = {
  term: 0,
  vote: 0,
  commit: 0,
  durableNumber: 0,
  durableIndex: 0,
  durableTerm: 0,
  firstSegment: 1,
  lastSegment: 1,
  compactedIndex: 0,
  compactedTerm: 0,
}

const fields = [
  'term',
  'vote',
  'commit',
  'durableNumber',
  'durableIndex',
  'durableTerm',
  'firstSegment',
  'lastSegment',
  'compactedIndex',
  'compactedTerm',
] as const satisfies readonly (keyof WitnessFacts)[]

function encodeSlot(
  crypto: Crypto,
  incarnation: Uint8Array,
  sequence: number,
  facts: WitnessFacts,
  slot: Uint8Array,
): void {
  const view = dataView(slot)
  slot.fill(0)
  view.setUint32(0, magic, true)
  view.setUint32(4, format, true)
  putU64(view, 8, sequence)
  slot.set(incarnation, 16)
  fields.forEach((field, at) => putU64(view, 32 + 8 * at, facts[field]))
  view.setUint32(sectorBytes - 4, crypto.crc32(slot.subarray(0, sectorBytes - 4)), true)
}

interface Slot {
  readonly sequence: number
  readonly facts: WitnessFacts
}

function decodeSlot(crypto: Crypto, incarnation: Uint8Array, slot: Uint8Array): Slot | string {
  const view = dataView(slot)
  const checksum = crypto.crc32(slot.subarray(0, sectorBytes - 4))
  if (view.getUint32(0, true) !== magic || view.getUint32(sectorBytes - 4, true) !== checksum) return 'is not valid'
  if (view.getUint32(4, true) !== format) return `has format ${view.getUint32(4, true)}`
  if (!equalBytes(slot.subarray(16, 32), incarnation)) return 'belongs to another incarnation'
  const [
    term,
    vote,
    commit,
    durableNumber,
    durableIndex,
    durableTerm,
    firstSegment,
    lastSegment,
    index,
    compactedTerm,
  ] = fields.map((_, at) => getU64(view, 32 + 8 * at)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const facts = { term, vote, commit, durableNumber, durableIndex, durableTerm, firstSegment, lastSegment }
  return { sequence: getU64(view, 8), facts: { ...facts, compactedIndex: index, compactedTerm } }
}

/** Makes the witness of a new log. */
export async function createWitness(
  files: Files,
  directory: string,
  crypto: Crypto,
  incarnation: Uint8Array,
): Promise<void> {
  const both = new Uint8Array(2 * sectorBytes)
  encodeSlot(crypto, incarnation, 0, emptyFacts, both.subarray(0, sectorBytes))
  encodeSlot(crypto, incarnation, 1, emptyFacts, both.subarray(sectorBytes))
  await replaceFile(files, directory, witnessName, both)
}

/** Reads the witness: the newer slot. Throws `LogDamaged` for anything but two valid slots in sequence. */
export function readWitness(bytes: Uint8Array | undefined, crypto: Crypto, incarnation: Uint8Array): Slot {
  if (bytes === undefined) throw damaged('the witness file is missing', witnessName)
  if (bytes.length !== 2 * sectorBytes) throw damaged(`the witness file has ${bytes.length} bytes`, witnessName)
  const [even, odd] = [0, 1].map((at) => {
    const slot = decodeSlot(crypto, incarnation, bytes.subarray(at * sectorBytes, (at + 1) * sectorBytes))
    if (typeof slot === 'string') throw damaged(`the witness slot ${slot}`, `${witnessName}, slot ${at}`)
    if (slot.sequence % 2 !== at) throw damaged('a witness slot is in the wrong place', `${witnessName}, slot ${at}`)
    return slot
  }) as [Slot, Slot]
  if (Math.abs(even.sequence - odd.sequence) !== 1) {
    throw damaged('the witness slots are not of consecutive writes', `${witnessName}, ${even.sequence}/${odd.sequence}`)
  }
  return even.sequence > odd.sequence ? even : odd
}

/** Writes slots, one at a time. */
export class Witness {
  /** What the next write will say. Change it before calling {@link save}. */
  facts: WitnessFacts
  /** Sequence of the newest slot that is synced. */
  sequence: number
  private readonly file: FileHandle
  private readonly crypto: Crypto
  private readonly incarnation: Uint8Array
  private readonly hook: (point: string) => void
  private readonly slot = new Uint8Array(sectorBytes)
  private running: Promise<void> | undefined
  private queued: Promise<void> | undefined

  constructor(
    file: FileHandle,
    crypto: Crypto,
    incarnation: Uint8Array,
    hook: (point: string) => void,
    sequence: number,
    facts: WitnessFacts,
  ) {
    this.file = file
    this.crypto = crypto
    this.incarnation = incarnation
    this.hook = hook
    this.sequence = sequence
    this.facts = facts
  }

  /** Whether a write is under way. */
  get busy(): boolean {
    return this.running !== undefined
  }

  /** Changes some facts for the next write. */
  update(facts: Partial<WitnessFacts>): void {
    this.facts = { ...this.facts, ...facts }
  }

  /** Resolves when facts at least as new as those at the call are synced. Callers during a write share the next one. */
  save(): Promise<void> {
    if (this.running === undefined) return this.start()
    this.queued ??= this.running.then(() => {
      this.queued = undefined
      return this.start()
    })
    return this.queued
  }

  private start(): Promise<void> {
    const run = this.write()
    this.running = run
    const done = (): void => {
      if (this.running === run) this.running = undefined
    }
    run.then(done, done)
    return run
  }

  private async write(): Promise<void> {
    const sequence = this.sequence + 1
    encodeSlot(this.crypto, this.incarnation, sequence, this.facts, this.slot)
    this.hook('witness:before-write')
    await this.file.write((sequence % 2) * sectorBytes, this.slot)
    this.hook('witness:before-sync')
    await this.file.sync()
    this.sequence = sequence
    this.hook('witness:after-sync')
  }

  close(): Promise<void> {
    return this.file.close()
  }
}
