/** Kinds of sequence in documents, and a random edit of each. */
import type { Value } from '../../../base/index.ts'
import type { Doc } from '../../../crdt/index.ts'
import type { DocKind } from './doc-kinds.ts'
import type { Dice } from './subjects.ts'

const letters = (dice: Dice): string => 'abcdefghij'.slice(dice(7)).slice(0, 1 + dice(3))
const item = (dice: Dice): Value => [1, 'two', [3], null][dice(4)] as Value

/** Often at the same place, so that insertions tie; now and then half of a surrogate pair. */
function editText(doc: Doc, dice: Dice): void {
  const text = doc.text('it')
  const { length } = text
  if (length > 0 && dice(5) < 2) {
    const position = dice(length)
    text.delete(position, 1 + dice(Math.min(4, length - position)))
  } else text.insert(dice(2) === 0 ? 0 : dice(length + 1), dice(9) === 0 ? '🤝' : letters(dice))
}

function editMarks(doc: Doc, dice: Dice): void {
  const text = doc.text('it')
  const { length } = text
  if (length < 2 || dice(2) === 0) {
    editText(doc, dice)
    return
  }
  const start = dice(length)
  const end = start + 1 + dice(length - start)
  const what = dice(5)
  if (what === 0) text.mark(start, end, 'comment', letters(dice), { many: true, expand: 'none' })
  else if (what === 1) {
    const named = text.spans().flatMap(({ many }) => [...many.values()].flat())
    const [one] = named
    if (one !== undefined) text.removeMark(one.name)
  } else {
    const expand = (['after', 'none', 'before', 'both'] as const)[dice(4)] ?? 'after'
    text.mark(start, end, dice(2) === 0 ? 'bold' : 'colour', dice(4) === 0 ? null : letters(dice), { expand })
  }
}

function editList(doc: Doc, dice: Dice): void {
  const list = doc.list('it')
  const { length } = list
  if (length > 0 && dice(5) < 2) {
    const position = dice(length)
    list.delete(position, 1 + dice(Math.min(3, length - position)))
  } else
    list.insert(
      dice(2) === 0 ? 0 : dice(length + 1),
      Array.from({ length: 1 + dice(3) }, () => item(dice)),
    )
}

function editMovable(doc: Doc, dice: Dice): void {
  const list = doc.movableList('it')
  const { length } = list
  const what = dice(8)
  if (length === 0 || what < 3) list.insert(dice(length + 1), [item(dice)])
  else if (what === 3) list.delete(dice(length))
  else if (what === 4) list.set(dice(length), item(dice))
  else list.move(dice(length), dice(length))
}

/** A list of texts' neighbours: sequences in a map that is emptied now and then. */
function editNestedSequences(doc: Doc, dice: Dice): void {
  const map = doc.map('it')
  const what = dice(7)
  if (what === 0) map.clear()
  else if (what === 1) map.remove('text', 'note')
  else if (what < 4) map.list('rows').push(item(dice))
  else map.text('note').insert(0, letters(dice))
}

/** Every kind of sequence. */
export const sequenceKinds: readonly DocKind[] = [
  { name: 'text', root: 'text', dropsWhatIsFenced: true, edit: editText },
  {
    name: 'marked text',
    root: 'text',
    dropsWhatIsFenced: true,
    edit: editMarks,
    more: (doc) => doc.text('it').richText(),
  },
  { name: 'list', root: 'list', dropsWhatIsFenced: true, edit: editList },
  { name: 'movable list', root: 'movableList', dropsWhatIsFenced: true, edit: editMovable },
  { name: 'map of sequences', root: 'map', dropsWhatIsFenced: true, edit: editNestedSequences },
]
