/** D1: whatever bytes come, the decoder throws its own error or gives something with exactly these bytes. */
import fc from 'fast-check'
import { isNitroError } from '../../../base/index.ts'
import { Store, cellTypes } from '../../../crdt/index.ts'
import type { Step } from '../../../crdt/index.ts'
import { movesOf, play } from './history.ts'
import type { Law } from './law.ts'
import { sameBytes } from './law.ts'
import { pathsOf, subjects } from './subjects.ts'

/** Damage to bytes: places and what happens there. */
export const damage: fc.Arbitrary<readonly (readonly [at: number, kind: number, byte: number])[]> = fc.array(
  fc.tuple(fc.nat(0xffff), fc.nat(4), fc.nat(255)),
  { minLength: 1, maxLength: 2 },
)

/** Bytes with some of them changed, removed, added or repeated. */
export function damaged(bytes: Uint8Array, by: readonly (readonly [number, number, number])[]): Uint8Array {
  const list = [...bytes]
  for (const [where, kind, byte] of by) {
    const at = list.length === 0 ? 0 : where % list.length
    if (kind === 0) list[at] = byte
    else if (kind === 1) list.splice(at, 1 + (byte % 4))
    else if (kind === 2) list.splice(at, 0, byte)
    else if (kind === 3) list.splice(at, 0, ...list.slice(at, at + 1 + (byte % 8)))
    else list[at] = (list[at] ?? 0) ^ (1 << (byte % 8))
  }
  return Uint8Array.from(list)
}

/** Errors that bad bytes may cause. */
export function isRefusal(error: unknown): boolean {
  return isNitroError(error, 'NotCanonical') || isNitroError(error, 'UnsupportedFormat')
}

function decodesOrRefuses(bytes: Uint8Array): void {
  let store: Store
  try {
    store = Store.decode(bytes, cellTypes)
  } catch (error) {
    if (isRefusal(error)) return
    throw error
  }
  sameBytes(store.encode(), bytes, 'what was decoded has other bytes')
}

/** For stores of every type of the kernel, and for bytes out of nowhere. */
export const decoderLaws: readonly Law[] = [
  ...subjects.map((subject): Law => ({
    id: 'D1',
    says: 'damaged bytes are refused, or are the canonical bytes of something else',
    type: subject.name,
    concurrentPerRun: 0,
    property: () =>
      fc.property(movesOf({ fences: true, lengthMax: 12 }), fc.nat(1), damage, (moves, depth, by) => {
        const path = pathsOf(subject)[depth] as readonly Step[]
        const { peers } = play(subject, path, moves)
        for (const { store } of peers) decodesOrRefuses(damaged(store.encode(), by))
      }),
  })),
  {
    id: 'D1',
    says: 'bytes out of nowhere are refused',
    type: 'store',
    concurrentPerRun: 0,
    property: () =>
      fc.property(fc.uint8Array({ maxLength: 200, size: 'max' }), (bytes) => {
        decodesOrRefuses(bytes)
        decodesOrRefuses(Uint8Array.of(1, ...bytes))
      }),
  },
]
