/** A connection to the inspector of a Node process: just enough of the DevTools protocol to take a CPU profile. */
import { WebSocket } from 'ws'

/** A node of the call tree. */
export interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  readonly children?: readonly number[]
}

/** A `.cpuprofile`: which node of the call tree was running at each sample. Times are in microseconds. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

interface Answer {
  readonly id?: number
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

/** Profiles the process whose inspector listens at `url` until the returned function is called. */
export async function startProfile(url: string, intervalUs: number): Promise<() => Promise<CpuProfile>> {
  const socket = new WebSocket(url, { maxPayload: 1 << 30 })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  let last = 0
  const call = (method: string, params: object = {}): Promise<unknown> => {
    const id = ++last
    return new Promise((resolve, reject) => {
      const hear = (text: Buffer): void => {
        const answer = JSON.parse(text.toString()) as Answer
        if (answer.id !== id) return
        socket.off('message', hear)
        if (answer.error === undefined) resolve(answer.result)
        else reject(new Error(`${method}: ${answer.error.message}`))
      }
      socket.on('message', hear)
      socket.send(JSON.stringify({ id, method, params }))
    })
  }
  await call('Profiler.enable')
  await call('Profiler.setSamplingInterval', { interval: intervalUs })
  await call('Profiler.start')
  return async () => {
    const { profile } = (await call('Profiler.stop')) as { readonly profile: CpuProfile }
    socket.close()
    return profile
  }
}

/** The inspector's address in what Node writes when it starts with `--inspect`. */
export function inspectorUrl(output: string): string {
  const url = /ws:\/\/\S+/.exec(output)?.[0]
  if (url === undefined) throw new Error('no inspector listens: was the process started with --inspect?')
  return url
}
