/** The sequences of a document, by tag. */
import type { CausalGraph } from '../graph/graph.ts'
import type { ContentType } from '../kernel/container.ts'
import type { SequenceContent } from './sequence.ts'

/** The types of texts and lists over a graph. */
export function sequenceTypes(_graph: CausalGraph): [number, ContentType<SequenceContent>][] {
  return []
}
