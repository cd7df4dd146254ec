/** B3 of crdt-benchmarks, written anew: 20·√N replicas make one change each at the same time, and one gets them all. */
import { check, timedMs } from '../workload.ts'
import type { Replica } from '../library.ts'
import type { Figure, Workload } from '../workload.ts'

const replicas = Math.round(20 * Math.sqrt(6000))

const cases: Readonly<Record<string, (replica: Replica, at: number) => void>> = {
  'B3.1 all set a number in a map': (replica, at) => replica.setKey('v', at),
  'B3.2 all set an object in a map': (replica, at) => replica.setKey('v', { name: String(at), address: 'here' }),
  'B3.3 all set a string in a map': (replica, at) => replica.setKey('v', String(at).repeat(10)),
  'B3.4 all insert into a list': (replica, at) => replica.insertItems(0, [String(at)]),
}

/** All of B3 in one process; the time is that of applying. */
export const b3: Workload = {
  name: 'B3',
  runs: 1,
  run: (library) =>
    Object.entries(cases).map(([name, change]): Figure => {
      const updates = Array.from({ length: replicas }, (_none, at) => {
        const replica = library.create(at + 1)
        const update = replica.update(() => change(replica, at))
        replica.free()
        return update
      })
      const one = library.create(replicas + 1)
      const ms = timedMs(() => one.apply(updates))
      const listed = name.startsWith('B3.4')
      check(listed ? one.items().length === replicas : one.map()['v'] !== undefined, `${name}: all have arrived`)
      one.free()
      return { name, value: ms, unit: 'ms' }
    }),
}
