/** Two people write in one text at the same time, 26,078 transactions (friendsforever). */
import { updatesOf } from '../replay.ts'
import { check, timedRuns } from '../workload.ts'
import type { Workload } from '../workload.ts'

/** A third one gets all their updates, stores the result and loads it. */
export const concurrentTrace: Workload = {
  name: 'concurrent',
  runs: 1,
  run(library, { trace }) {
    const friends = trace('friendsforever')
    if (friends === undefined) return undefined
    const { updates, text } = updatesOf(library, friends)
    const { firstMs, medianMs } = timedRuns(() => {
      const listener = library.create(friends.replicas + 1)
      listener.apply(updates)
      listener.text()
      listener.free()
    })
    const replica = library.create(friends.replicas + 1)
    replica.apply(updates)
    check(replica.text() === text, 'the third one has what the two have')
    const stored = library.formats.map((format) => {
      const bytes = new Uint8Array(format.encode(replica))
      let loadedText = ''
      const load = timedRuns(() => {
        const loaded = format.load(bytes)
        loadedText = loaded.text()
        loaded.free()
      })
      check(loadedText === text, 'the text after loading')
      return { size: bytes.length, loadMs: load.medianMs }
    })
    replica.free()
    return [
      { name: 'concurrent/apply 26,078 updates', value: medianMs, unit: 'ms' },
      { name: 'concurrent/first apply of a process', value: firstMs, unit: 'ms' },
      { name: 'concurrent/stored', value: Math.min(...stored.map(({ size }) => size)), unit: 'bytes' },
      { name: 'concurrent/load and read', value: Math.min(...stored.map(({ loadMs }) => loadMs)), unit: 'ms' },
    ]
  },
}
