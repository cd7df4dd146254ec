/**
 * Damage to the files of a node: what disks do to bytes that were written and synced long ago. Fresh bytes are spared: nothing
 * on disk tells yet that they were promised, so no log on one disk could notice their loss (README of src/storage).
 */
import { below } from '../../../base/index.ts'
import type { MemoryFiles } from '../../storage/index.ts'
import type { SeededRandom } from '../random.ts'

const sectorBytes = 512
const triesMax = 8

/** How damage is done: wrong bits, or a write that went to the wrong place. */
export type Damage = 'rot' | 'misdirected'

/** Whether a file belongs to the log. */
export const isLogFile = (path: string): boolean => path.includes('/log/')

/**
 * Damages one of the files that `choose` takes; its path, or undefined when there was nothing to damage. `aged` tells
 * whether a sector of a file has been there for a while.
 */
export function damageFile(
  files: MemoryFiles,
  random: SeededRandom,
  damage: Damage,
  choose: (path: string) => boolean,
  aged: (path: string, sector: number) => boolean,
): string | undefined {
  const candidates = files.paths().filter(choose)
  for (let tries = 0; candidates.length > 0 && tries < triesMax; tries++) {
    const path = random.pick(candidates)
    let done = false
    files.damage(path, (bytes) => {
      const sectors = liveSectors(bytes).filter((sector) => aged(path, sector))
      done = damage === 'rot' ? flipBits(bytes, random, sectors) : misdirect(bytes, random, sectors)
    })
    if (done) return path
  }
  return undefined
}

/** Sectors with anything in them. */
function liveSectors(bytes: Uint8Array): number[] {
  const out: number[] = []
  for (let start = 0; start < bytes.length; start += sectorBytes) {
    if (bytes.subarray(start, start + sectorBytes).some((byte) => byte !== 0)) out.push(start / sectorBytes)
  }
  return out
}

/** Some bits of bytes that are not zero: a record is hit, not the empty rest of its sector. */
function flipBits(bytes: Uint8Array, random: SeededRandom, sectors: readonly number[]): boolean {
  if (sectors.length === 0) return false
  const start = random.pick(sectors) * sectorBytes
  const used: number[] = []
  for (let at = start; at < Math.min(start + sectorBytes, bytes.length); at++) if (bytes[at] !== 0) used.push(at)
  for (let flips = 1 + below(random, 3); flips > 0; flips--) {
    const at = random.pick(used)
    // A byte never becomes zero: a sector of zeros looks like a write that never came.
    const flipped = (bytes[at] as number) ^ (1 << below(random, 8))
    bytes[at] = flipped === 0 ? 0xff : flipped
  }
  return true
}

/** What belongs into one sector stands in another, and the one still holds what it held before: nothing. */
function misdirect(bytes: Uint8Array, random: SeededRandom, sectors: readonly number[]): boolean {
  const whole = sectors.filter((sector) => (sector + 1) * sectorBytes <= bytes.length)
  if (whole.length < 2) return false
  const from = random.pick(whole)
  const to = random.pick(whole.filter((sector) => sector !== from))
  bytes.copyWithin(to * sectorBytes, from * sectorBytes, (from + 1) * sectorBytes)
  bytes.fill(0, from * sectorBytes, (from + 1) * sectorBytes)
  return true
}
