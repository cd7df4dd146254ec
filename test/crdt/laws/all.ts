/** Every law there is. */
import { decoderLaws } from './decoder-laws.ts'
import { docLaws } from './doc-laws.ts'
import type { Law } from './law.ts'
import { operationLaws } from './operation-laws.ts'
import { sequenceLaws } from './sequence-laws.ts'
import { storeLaws } from './store-laws.ts'

/** In the order they are tried. */
export const laws: readonly Law[] = [...storeLaws, ...operationLaws, ...decoderLaws, ...docLaws, ...sequenceLaws]
