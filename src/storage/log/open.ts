/** Opening a log: making a new one, or reading one back and making what was read durable before it is relied on. */
import type { Clock, Crypto, Files, Metrics, Scheduler } from '../../../base/index.ts'
import { assert, silentMetrics } from '../../../base/index.ts'
import { isZero, sectorBytes } from './bytes.ts'
import { damaged } from './damage.ts'
import { DurableLog } from './log.ts'
import type { LogPorts } from './log.ts'
import { recover } from './recovery.ts'
import type { Recovered } from './recovery.ts'
import {
  encodeSegmentHeader,
  firstChain,
  nextSegmentName,
  prepareSegment,
  segmentName,
  segmentSequence,
} from './segment.ts'
import { Witness, createWitness, witnessName } from './witness.ts'
import type { WitnessFacts } from './witness.ts'

/** Options of {@link openLog}. */
export interface LogOptions {
  readonly files: Files
  /** The data directory; the log lives in `log/` in it. */
  readonly directory: string
  readonly crypto: Crypto
  readonly scheduler: Scheduler
  readonly clock: Clock
  readonly metrics?: Metrics | undefined
  /** Called at every durability boundary; if it throws, the log behaves as if the machine had died there. */
  readonly hooks?: ((point: string) => void) | undefined
  /** The 16 bytes every file of this log carries. */
  readonly incarnation: Uint8Array
  /** Make a new log. Only what a creation that died has left behind may be there. */
  readonly create: boolean
  /** Size of a segment file, a multiple of 512; a larger batch gets a larger segment. Default 16 MiB. */
  readonly segmentBytes?: number | undefined
  /** Longest time between a write and the witness that knows of it. Default 20. */
  readonly witnessIntervalMs?: number | undefined
}

/**
 * Opens the log of a data directory. Throws `LogDamaged` (details: what, where, index) when anything that was acknowledged may be
 * gone, or when `create` would overwrite a log; `DiskFull`, `DiskFailed`, `DirectoryUnusable`.
 */
export async function openLog(options: LogOptions): Promise<DurableLog> {
  const { files, crypto, incarnation } = options
  const directory = `${options.directory}/log`
  const segmentBytes = options.segmentBytes ?? 16 << 20
  assert(incarnation.length === 16, 'an incarnation has 16 bytes')
  assert(segmentBytes % sectorBytes === 0 && segmentBytes >= 2 * sectorBytes, 'segmentBytes is a multiple of 512')
  if (options.create) await createLog(files, directory, crypto, incarnation, segmentBytes)
  const recovered = await recover(files, directory, crypto, incarnation)
  const hook = options.hooks ?? ((): void => undefined)
  for (const name of recovered.obsolete) await files.remove(`${directory}/${name}`)
  const active = await files.open(`${directory}/${segmentName(recovered.active.sequence)}`, { durableWrites: true })
  const opened = [active]
  try {
    const { position } = recovered.active
    if (recovered.tornEnd > position) await active.write(position, new Uint8Array(recovered.tornEnd - position))
    // What was read may only have been in the cache of a process that died. Where a sync has failed the cache takes it for
    // written, and another sync alone would change nothing: it is written again.
    if (recovered.unsure.bytes.length > 0) await active.write(recovered.unsure.at, recovered.unsure.bytes)
    await active.sync()
    await files.syncDirectory(directory)
    const witnessFile = await files.open(`${directory}/${witnessName}`, { durableWrites: true })
    opened.push(witnessFile)
    const slotAt = (recovered.witnessSequence % 2) * sectorBytes
    await witnessFile.write(slotAt, await witnessFile.read(slotAt, sectorBytes))
    await witnessFile.sync()
    const witness = new Witness(witnessFile, crypto, incarnation, hook, recovered.witnessSequence, factsOf(recovered))
    await witness.save()
    return new DurableLog(portsOf(options, directory, segmentBytes, hook), recovered, active, witness)
  } catch (error) {
    for (const file of opened) await file.close().catch(() => undefined)
    throw error
  }
}

function factsOf({ hardState, window, number, facts, active }: Recovered): WitnessFacts {
  return {
    ...hardState,
    durableNumber: number,
    durableIndex: window.lastIndex,
    durableTerm: window.lastTerm,
    firstSegment: facts.firstSegment,
    lastSegment: active.sequence,
    compactedIndex: window.baseIndex,
    compactedTerm: window.baseTerm,
  }
}

function portsOf(options: LogOptions, directory: string, segmentBytes: number, hook: LogPorts['hook']): LogPorts {
  const { files, crypto, incarnation, scheduler, clock, metrics = silentMetrics, witnessIntervalMs = 20 } = options
  return { files, directory, crypto, scheduler, clock, metrics, hook, incarnation, segmentBytes, witnessIntervalMs }
}

async function createLog(
  files: Files,
  directory: string,
  crypto: Crypto,
  incarnation: Uint8Array,
  segmentBytes: number,
): Promise<void> {
  await files.makeDirectory(directory)
  await clearUnused(files, directory)
  const file = await prepareSegment(files, directory, segmentBytes)
  const sector = new Uint8Array(sectorBytes)
  const chain = firstChain(crypto, incarnation)
  const header = { ...emptyPosition, sequence: 1, capacity: segmentBytes, chain }
  encodeSegmentHeader(crypto, incarnation, header, sector)
  try {
    await file.write(0, sector)
    await file.sync()
  } finally {
    await file.close()
  }
  await files.rename(`${directory}/${nextSegmentName}`, `${directory}/${segmentName(1)}`)
  await createWitness(files, directory, crypto, incarnation)
}

const emptyPosition = {
  witnessSequence: 0,
  lastIndex: 0,
  lastTerm: 0,
  number: 0,
  compactedIndex: 0,
  compactedTerm: 0,
}

/** Removes what an interrupted creation left; refuses when it is more than that. */
async function clearUnused(files: Files, directory: string): Promise<void> {
  const names = await files.list(directory)
  const segments = names.filter((name) => segmentSequence(name) !== undefined)
  const used = async (): Promise<boolean> => {
    if (segments.some((name) => name !== segmentName(1))) return true
    const witness = await files.readFile(`${directory}/${witnessName}`)
    // term, vote and commit of both slots
    if (witness !== undefined && [32, 32 + sectorBytes].some((at) => !isZero(witness, at, at + 24))) return true
    const segment = await files.readFile(`${directory}/${segmentName(1)}`)
    return segment !== undefined && !isZero(segment, sectorBytes, segment.length)
  }
  if (await used()) throw damaged('there is a log where none should be', directory)
  for (const name of [...segments, witnessName, nextSegmentName]) await files.remove(`${directory}/${name}`)
}
