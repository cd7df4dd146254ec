/** Watching who leads: the latest, whoever was in between. */
import { NitroError } from '../../base/index.ts'
import type { SyncResource } from '../../execution/codec.ts'
import type { LeaderView } from '../api/index.ts'
import { onAbort } from './aborts.ts'
import { followEntries } from './entries.ts'
import type { Entries } from './entries.ts'
import { text } from './names.ts'
import type { SyncPorts } from './ports.ts'

interface Step {
  resolve(result: IteratorResult<LeaderView | undefined>): void
  reject(reason: unknown): void
}

/** One observation. It holds one view at a time, so a reader that is slow costs nothing. */
export class Observation implements AsyncIterableIterator<LeaderView | undefined> {
  private readonly stop = new AbortController()
  private readonly detach: () => void
  private latest: { readonly view: LeaderView | undefined } | undefined
  /** Revision and token of what was told last. */
  private told = ''
  private steps: Step[] = []
  private ended: { error: unknown } | undefined

  constructor(ports: SyncPorts, resource: SyncResource, signal: AbortSignal | undefined) {
    this.detach = onAbort(signal, () => this.finish(signal?.reason))
    if (signal?.aborted === true) this.finish(signal.reason)
    if (this.ended !== undefined) return
    followEntries(ports, resource, this.stop.signal, (entries) => this.see(entries)).catch((error: unknown) => {
      this.finish(error)
    })
  }

  private see(entries: Entries): boolean {
    let leader: LeaderView | undefined
    for (const { token, value, label, sinceMs } of entries.values()) {
      if (token === 0 || (leader !== undefined && leader.token < token)) continue
      const bytes = new Uint8Array(value)
      leader = { token, value: bytes, label: text(label), sinceMs, text: () => text(bytes) }
    }
    // A handover is one step in two revisions: who waits is granted in the next one, and nobody could have read what is in between.
    if (leader === undefined && entries.size > 0) return false
    const key = leader === undefined ? 'none' : `${leader.token} ${leader.value.join()}`
    if (key !== this.told) {
      this.told = key
      this.latest = { view: leader }
      this.serve()
    }
    return false
  }

  private serve(): void {
    while (this.steps.length > 0 && (this.latest !== undefined || this.ended !== undefined)) {
      const step = this.steps.shift() as Step
      if (this.ended === undefined) {
        const value = this.latest?.view
        this.latest = undefined
        step.resolve({ done: false, value })
        continue
      }
      const { error } = this.ended
      this.ended = { error: undefined }
      if (error === undefined) step.resolve({ done: true, value: undefined })
      else step.reject(error)
    }
  }

  private finish(error: unknown): void {
    if (this.ended !== undefined) return
    this.ended = { error }
    this.detach()
    this.stop.abort(error ?? new NitroError('Closed', 'the observation was ended'))
    this.serve()
  }

  next(): Promise<IteratorResult<LeaderView | undefined>> {
    return new Promise((resolve, reject) => {
      this.steps.push({ resolve, reject })
      this.serve()
    })
  }

  return(): Promise<IteratorResult<LeaderView | undefined>> {
    this.finish(undefined)
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
