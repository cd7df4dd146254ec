/**
 * Anchors: places in a sequence that survive edits.
 *
 * An anchor holds on to an item by its dot, not to a position, and says on which side of the item it stands. When the item is
 * deleted the anchor stays where it was: a deleted item keeps its place in the order. The two ends of the sequence are anchors, too.
 *
 *     a b|c d    "before c": stays at c whatever is typed at its left; "after b": stays at b
 */

/** The side of its item that an anchor stands at. */
export type Side = 'before' | 'after'

/** See the header. Plain data: the same in all replicas, and a canonical value. */
export type Anchor =
  | { readonly at: 'start' }
  | { readonly at: 'end' }
  | { readonly at: Side; readonly rid: number; readonly seq: number }

/** The beginning of a sequence, whatever is inserted there. */
export const startAnchor: Anchor = { at: 'start' }

/** The end of a sequence, whatever is inserted there. */
export const endAnchor: Anchor = { at: 'end' }
