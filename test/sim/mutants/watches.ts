/** Mutants of watches. */
import type { Mutant } from './mutant.ts'

/** Broken watches. */
export const watches: readonly Mutant[] = [
  {
    name: 'event-lost-at-reconnect',
    why: 'a watch that goes on elsewhere leaves out the first revision that it has not seen',
    climate: 'engine',
    patches: [
      {
        file: 'src/wire/watch-session.ts',
        find: '    if (worthRepeating(error)) this.session.retry(this)',
        replace: '    if (this.next > 0) this.next++\n    if (worthRepeating(error)) this.session.retry(this)',
      },
    ],
    breaks: ['watch guarantees'],
  },
  {
    name: 'event-again-at-reconnect',
    why: 'a watch that goes on elsewhere begins with the last revision that it has seen',
    climate: 'engine',
    patches: [
      {
        file: 'src/wire/watch-session.ts',
        find: '    this.next = chunk.through + 1\n',
        replace: '    this.next = chunk.through\n',
      },
    ],
    breaks: ['watch guarantees'],
  },
  {
    name: 'cursor-set-back-by-a-slow-node',
    why: 'a node that is behind says how far it is, and the watch begins there again',
    climate: 'engine',
    patches: [
      {
        file: 'src/wire/watch-session.ts',
        find: '    if (revision < this.next - 1 || this.next === 0',
        replace: '    if (this.next === 0',
      },
    ],
    breaks: ['watch guarantees'],
  },
  {
    name: 'slow-reader-skips',
    why: 'a watcher that is left behind stands after the events that it could not take',
    climate: 'engine',
    patches: [
      {
        file: 'src/replica/watch/cohort.ts',
        find: '      watcher.revision = revision\n      watcher.position = position\n',
        replace: '      watcher.revision = this.revision\n      watcher.position = this.position\n',
      },
    ],
    breaks: ['watch guarantees'],
  },
  {
    name: 'previous-record-of-another-time',
    why: 'an event tells the record before the one that it replaced',
    climate: 'engine',
    patches: [
      {
        file: 'execution/events.ts',
        find: '    const older = records.older(this.record)\n',
        replace:
          '    const replaced = records.older(this.record)\n    const older = records.older(replaced) || replaced\n',
      },
    ],
    breaks: ['watch guarantees'],
  },
  {
    name: 'events-again-after-a-snapshot',
    why: 'when another state is put in place, waiting watchers are handed its last revision once more',
    climate: 'engine',
    patches: [
      {
        file: 'src/replica/watch/hub.ts',
        find: '    const fresh = this.waiting.take(source.revision)\n',
        replace: `    if (this.options.source() !== this.before) {
      this.before = source
      for (const known of this.outlets.values()) {
        for (const { cohort } of known.values()) {
          if (cohort !== undefined && cohort.position === 0 && cohort.revision === source.revision + 1) cohort.revision--
        }
      }
    }
    const fresh = this.waiting.take(source.revision + 1)
`,
      },
    ],
    breaks: ['watch guarantees'],
  },
  {
    name: 'progress-promised-too-early',
    why: 'a watcher is told that everything has come while events still wait for its credit',
    climate: 'engine',
    patches: [
      {
        file: 'src/replica/watch/hub.ts',
        find: '  return cohort !== undefined && cohort.position === 0 && cohort.revision > source.revision',
        replace: '  return cohort === undefined || cohort.revision > source.revision',
      },
      {
        file: 'src/replica/watch/hub.ts',
        find: '(watcher.cohort as Cohort).revision > source.revision + 1',
        replace: '(watcher.cohort?.revision ?? 0) > source.revision + 1',
      },
    ],
    breaks: ['watch guarantees'],
  },
]
