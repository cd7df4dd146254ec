/**
 * Mistakes one could make in the library, as patches of its sources. Each must be noticed by a law; `among` names the laws worth
 * trying, by a part of their line.
 */

/** One mistake. */
export interface Mutant {
  readonly name: string
  readonly file: string
  /** Stands in the file exactly once. */
  readonly find: string
  readonly replace: string
  readonly among: string
}

/** Of every part: kernel, each family of types, order of text, documents, encoding, forgetting. */
export const mutants: readonly Mutant[] = [
  // kernel
  {
    name: 'a join drops what both hold',
    file: 'crdt/kernel/entries.ts',
    find: 'if (order === 0 || !seenThere.covers(entry.rid, entry.seq)) keep(entry)',
    replace: 'if (!seenThere.covers(entry.rid, entry.seq)) keep(entry)',
    among: 'multi-value',
  },
  {
    name: 'a join takes back in what was removed here',
    file: 'crdt/kernel/entries.ts',
    find: 'if (!seenHere.covers(entry.rid, entry.seq)) {',
    replace: 'if (seenHere !== undefined) {',
    among: 'multi-value',
  },
  {
    name: 'an operation removes only the first of the entries it has seen',
    file: 'crdt/kernel/entries.ts',
    find: 'if (past.covers(entry.next.rid, entry.next.seq)) entry.next = entry.next.next',
    replace: 'if (past === undefined) entry.next = entry.next.next',
    among: 'multi-value',
  },
  {
    name: 'the earlier of two concurrent writes wins',
    file: 'crdt/kernel/entries.ts',
    find: 'if (entry.high > best.high ||',
    replace: 'if (entry.high < best.high ||',
    among: 'S1   register',
  },
  {
    name: 'a delta does not say which dot it made',
    file: 'crdt/kernel/store.ts',
    find: '    delta.context.add(op.rid, op.seq)\n',
    replace: '',
    among: 'counter',
  },
  {
    name: 'a delta does not say what it removed',
    file: 'crdt/kernel/cell.ts',
    find: '    this.into.add(rid, seq)\n',
    replace: '',
    among: 'L5',
  },
  {
    name: 'a join forgets the context of the other',
    file: 'crdt/kernel/store.ts',
    find: '    this.context.join(other.context)\n',
    replace: '',
    among: 'L1',
  },
  {
    name: 'a fence that arrives does not raise the epoch',
    file: 'crdt/kernel/store.ts',
    find: 'if (root.epoch > place.epoch) place.raise(root.epoch)',
    replace: 'if (root.epoch > place.epoch + 9) place.raise(root.epoch)',
    among: 'L7',
  },
  {
    name: 'what was done under a lower epoch is joined all the same',
    file: 'crdt/kernel/store.ts',
    find: 'if (root.epoch === place.epoch) this.joinPlace',
    replace: 'if (root.epoch <= place.epoch) this.joinPlace',
    among: 'L7',
  },
  // types
  {
    name: 'a reset of a counter also takes what it had not seen',
    file: 'crdt/types/counter.ts',
    find: 'else this.rebuild((rid, seq) => !past.covers(rid, seq))',
    replace: 'else this.rebuild(() => false)',
    among: 'counter',
  },
  {
    name: 'adding up the stable additions of a counter loses all but the last',
    file: 'crdt/types/counter.ts',
    find: 'sum = addAmounts(sum, amount)\n            newest = seq',
    replace: 'sum = amount\n            newest = seq',
    among: 'G1   counter',
  },
  {
    name: 'a transfer of rights leaves them with the giver, too',
    file: 'crdt/types/bounded-counter.ts',
    find: 'const taken = [rid, negated(amount)] as const',
    replace: 'const taken = [rid, 0] as const',
    among: 'bounded counter',
  },
  {
    name: 'an enable wins on the disable-wins flag',
    file: 'crdt/types/flags.ts',
    find: 'if (!entry.value) return false\n    return this.entries !== undefined',
    replace: 'if (entry.value) return true\n    return false',
    among: 'S1   disable-wins',
  },
  {
    name: 'a disable is forgotten before everybody has it',
    file: 'crdt/types/flags.ts',
    find: 'if (this.onlyDisables() && allCovered(this.entries, stable))',
    replace: 'if (this.onlyDisables() && stable !== undefined)',
    among: 'G1   disable-wins',
  },
  {
    name: 'a remove is forgotten before everybody has it',
    file: 'crdt/types/sets.ts',
    find: 'return allCovered(entries, stable) ? undefined : entries',
    replace: 'return stable === undefined ? entries : undefined',
    among: 'G1   remove-wins',
  },
  {
    name: 'an addition wins on the remove-wins set',
    file: 'crdt/types/sets.ts',
    find: 'if (!entry.value) return false\n    return entries !== undefined',
    replace: 'if (entry.value) return true\n    return false',
    among: 'S1   remove-wins',
  },
  {
    name: 'a reset of a map takes only one key',
    file: 'crdt/types/map.ts',
    find: 'return op.kind === mapOps.reset ? undefined : op.key',
    replace: 'return op.key',
    among: 'map',
  },
  {
    name: 'moves of a tree are ordered by replica and not by time',
    file: 'crdt/types/tree-log.ts',
    find: 'return a.high - b.high || a.low - b.low || a.rid - b.rid || a.seq - b.seq',
    replace: 'return a.rid - b.rid || a.seq - b.seq',
    among: 'S1   tree',
  },
  {
    name: 'a move of a tree that comes late is done last',
    file: 'crdt/types/tree-log.ts',
    find: 'const at = this.search(move)',
    replace: 'const at = this.log.length',
    among: 'tree',
  },
  // order of text
  {
    name: 'the greater replica stands left where insertions tie',
    file: 'crdt/text/walker.ts',
    find: 'return this.graph.compare(this.log.lvOf(a), this.log.lvOf(b)) < 0',
    replace: 'return this.graph.compare(this.log.lvOf(a), this.log.lvOf(b)) > 0',
    among: 'T1   text',
  },
  {
    name: 'concurrent insertions at one place stand in the order of their arrival',
    file: 'crdt/text/walker.ts',
    find: 'return this.graph.compare(this.log.lvOf(a), this.log.lvOf(b)) < 0',
    replace: 'return a < b',
    among: 'document with a text',
  },
  {
    name: 'the scan for a place ignores right origins',
    file: 'crdt/text/walker.ts',
    find: 'if (!scanning) tree.save()',
    replace: 'tree.save()',
    among: 'T1   text',
  },
  {
    name: 'the walker does not retreat over what an author did not know',
    file: 'crdt/text/walker.ts',
    find: '    this.shift(aOnly, -1)\n',
    replace: '',
    among: 'document with a text',
  },
  {
    name: 'a character that two delete goes twice',
    file: 'crdt/text/walker.ts',
    find: 'if (wasThere) sink.deleted(end, size)',
    replace: 'if (size > 0) sink.deleted(end, size)',
    among: 'document with a text',
  },
  // documents
  {
    name: 'events that are known are taken in once more',
    file: 'crdt/doc/receive.ts',
    find: '    if (offset < known) continue\n',
    replace: '',
    among: 'document with a counter',
  },
  {
    name: 'a bundle does not wait for the parents of others',
    file: 'crdt/doc/receive.ts',
    find: 'return only.parents.find((parent) => parent.seq >= graph.nextSeq(parent.rid))',
    replace: 'return undefined',
    among: 'document with a register',
  },
  {
    name: 'a difference does not wait for the parents of others',
    file: 'crdt/doc/receive.ts',
    find: 'if (parent.seq >= (ahead.get(parent.rid) ?? graph.nextSeq(parent.rid))) return parent',
    replace: 'if (parent.seq < 0) return parent',
    among: 'C2   document',
  },
  {
    name: 'a patch of a map key compares with the newest value instead of the first',
    file: 'crdt/doc/patches.ts',
    find: 'if (!before.keys.has(key)) before.keys.set(key, content.shown(key))',
    replace: 'before.keys.set(key, content.shown(key))',
    among: 'C5   document with a map',
  },
  {
    name: 'compaction forgets what only this replica has',
    file: 'crdt/doc/doc.ts',
    find: 'seq < (stable.get(rid) ?? 0) }',
    replace: 'seq >= 0 && rid >= 0 && stable.size >= 0 }',
    among: 'G1   document',
  },
  {
    name: 'an event is taken for one that has seen what was compacted',
    file: 'crdt/doc/floor.ts',
    find: 'return this.heads.every(',
    replace: 'return this.heads.length >= 0 || this.heads.every(',
    among: 'G2   document with a multi-value',
  },
  {
    name: 'to have seen one of the last events compacted is enough',
    file: 'crdt/doc/floor.ts',
    find: 'return this.heads.every(',
    replace: 'return this.heads.length === 0 || this.heads.some(',
    among: 'G2   document with a multi-value',
  },
  // encoding
  {
    name: 'bytes after the end of a store are read over',
    file: 'crdt/kernel/store.ts',
    find: 'if (reader.remaining > 0) throw notCanonical(`${reader.remaining} bytes left over`)\n      return store',
    replace: 'return store',
    among: 'D1',
  },
  {
    name: 'a flag of any byte but 1 is false',
    file: 'crdt/types/payloads.ts',
    find: "    if (byte > 1) throw notCanonical('a flag that is neither 0 nor 1')\n",
    replace: '',
    among: 'D1   disable-wins',
  },
  {
    name: 'a context writes the ends of its ranges one too far',
    file: 'crdt/kernel/context.ts',
    find: 'writer.uint((list[i + 1] as number) - (list[i] as number) - 1)',
    replace: 'writer.uint((list[i + 1] as number) - (list[i] as number))',
    among: 'L6e',
  },
]
