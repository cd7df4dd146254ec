/** The table of places that an update begins with: who is about what, by numbers instead of paths. */
import type { Row } from '../codec/rows.ts'
import type { WirePlace } from '../codec/update.ts'
import { comparePlaces, firstSequenceTag } from '../codec/update.ts'
import type { DocState, Place } from './state.ts'

/** A table of places, and by address the number of each. */
export interface Numbering {
  readonly places: readonly WirePlace[]
  readonly numbers: ArrayLike<number>
  /** Whether there are sequences among the places. */
  readonly sequences: boolean
}

/** The places of rows and sequences and those around them, in the one order. */
export function numberPlaces(state: DocState, rows: readonly Row[], sequences: Iterable<Place> | undefined): Numbering {
  const used = new Set<number>()
  let last = -1
  for (const { place } of rows) {
    if (place !== last) used.add(place)
    last = place
  }
  for (const place of sequences ?? []) used.add(state.addressOf(place))
  const levels: number[][] = []
  const seen = new Set<number>()
  for (let address of used) {
    while (!seen.has(address)) {
      seen.add(address)
      const { place, epoch } = state.address(address)
      ;(levels[place.depth - 1] ??= []).push(address)
      if (place.parent !== undefined) address = state.addressOf(place.parent, epoch)
    }
  }
  const places: WirePlace[] = []
  const numbers: number[] = []
  for (const level of levels) {
    const wire = level.map((address) => {
      const { place, epoch } = state.address(address)
      const parent = place.parent === undefined ? -1 : (numbers[state.addressOf(place.parent, epoch)] as number)
      return { parent, tag: place.tag, name: place.name, epoch, address }
    })
    if (wire.length > 1) wire.sort(comparePlaces)
    for (const one of wire) numbers[one.address] = places.push(one) - 1
  }
  return { places, numbers, sequences: places.some(({ tag }) => tag >= firstSequenceTag) }
}
