import { expect, test } from 'vitest'
import { MemoryStorage, RawNode } from '../../consensus/index.ts'
import type { Message } from '../../consensus/index.ts'

test('three nodes elect a leader and commit a proposal', () => {
  const storages = [1, 2, 3].map(() => new MemoryStorage())
  const nodes = storages.map((storage, i) => {
    const node = new RawNode({ id: i + 1, electionTick: 10, heartbeatTick: 1, storage, random: () => 0 })
    node.bootstrap([{ id: 1 }, { id: 2 }, { id: 3 }])
    return node
  })
  const applied: string[][] = [[], [], []]
  const inbox: Message[] = []
  const settle = (): void => {
    let busy = true
    while (busy) {
      busy = false
      nodes.forEach((node, i) => {
        while (node.hasReady()) {
          busy = true
          const ready = node.ready()
          if (ready.hardState) storages[i]!.setHardState(ready.hardState)
          storages[i]!.append(ready.entries)
          for (const e of ready.committedEntries) if (e.type === 'normal' && e.data.length) applied[i]!.push(String.fromCharCode(...e.data))
          inbox.push(...ready.messages)
          node.advance()
        }
      })
      for (const m of inbox.splice(0)) { busy = true; nodes[m.to - 1]!.step(m) }
    }
  }
  settle()
  nodes[0]!.campaign()
  settle()
  expect(nodes.map((n) => n.lead)).toEqual([1, 1, 1])
  const ref = nodes[0]!.propose(new Uint8Array([104, 105]))
  settle()
  expect(ref.index).toBe(5)
  expect(applied).toEqual([['hi'], ['hi'], ['hi']])
  nodes[1]!.propose(new Uint8Array([104, 111]))
  settle()
  expect(applied[2]).toEqual(['hi', 'ho'])
  expect(nodes[2]!.readIndex(new Uint8Array([7]))).toBe(true)
})
