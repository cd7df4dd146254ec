/** What the suites of locks, elections and the rest start from. */
import { beforeEach } from 'vitest'
import type { Lock, OpenSession, Store, Sync } from '../../src/api/index.ts'
import { put } from '../../src/store/index.ts'

/** What a suite needs; `pass` lets time go by for all alike. */
export interface OpenSync {
  readonly sync: Sync
  readonly other: Sync
  readonly store: Store
  readonly session: OpenSession
  readonly revoke: (lease: number) => Promise<unknown>
  pass(ms: number): Promise<void>
}

/** What became of a promise, if anything has. */
export function outcome<T>(promise: Promise<T>): { value?: T; error?: unknown } {
  const seen: { value?: T; error?: unknown } = {}
  promise.then(
    (value) => (seen.value = value),
    (error: unknown) => (seen.error = error),
  )
  return seen
}

/** No test uses the name of another, whichever suite runs on the same cluster. */
let names = 0

/** Two interfaces of one cluster, opened anew for each test, and a name that no test has used. */
export class SyncScene {
  opened!: OpenSync
  name = ''

  constructor(open: () => OpenSync) {
    beforeEach(() => {
      this.opened = open()
      this.name = `name ${names++}`
    })
  }

  /** Lets time pass until so many wait for a lock. */
  async waiting(count: number, of: string): Promise<void> {
    const { sync } = this.opened
    for (let i = 0; i < 100; i++) {
      if ((await sync.inspect(of)).waiters.length === count) return
      await this.opened.pass(20)
    }
    throw new Error(`never ${count} waited for ${of}`)
  }

  /** Whether a transaction that is guarded by a lock is let through. */
  async isGuarded(lock: Pick<Lock, 'guard'>): Promise<boolean> {
    const { store } = this.opened
    return (await store.txn().if(lock.guard()).then(put('guarded', this.name)).commit()).succeeded
  }
}
