/** The process as the server sees it: where it writes, and what asks it to stop. The only file here that knows `process`. */
import { writeSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { systemScheduler } from '../../base/index.ts'
import { tuneEngine } from './engine.ts'
import { keepHeapRoom, v8Heap } from './heap.ts'
import { parentGone, type StopSource } from './shutdown.ts'

/** What a server needs of its process. */
export interface ServerHost {
  /** The release of Node, as `20.19.0`. */
  readonly nodeRelease: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Writes text to standard error; never throws. */
  writeError(text: string): void
  readonly errorIsTerminal: boolean
  readonly colors: boolean
  /** Signals, and with `exitWithParent` the end of standard input. */
  stops(exitWithParent: boolean): StopSource
  /** Sets V8 up for a server. */
  tuneEngine(): void
  /** Gives the heap room for garbage until the function it returns is called. */
  keepHeapRoom(): () => void
  /** Ends the process at once, with nothing flushed and nobody told. */
  crash(): void
}

/** The process this code runs in. */
export function processHost(colors: boolean): ServerHost {
  return {
    nodeRelease: process.versions.node,
    environment: process.env,
    writeError: writeStandardError,
    errorIsTerminal: process.stderr.isTTY,
    colors,
    stops: processStops,
    tuneEngine: () => tuneEngine(availableParallelism()),
    keepHeapRoom: () => keepHeapRoom(v8Heap, systemScheduler),
    crash: () => process.kill(process.pid, 'SIGKILL'),
  }
}

/**
 * Log lines go out by a plain write: a line written just before the process ends is not lost in a stream's buffer, and
 * a reader that went away is no reason to die.
 */
function writeStandardError(text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0, tries = 0; at < bytes.length && tries < 100; tries++) {
    try {
      at += writeSync(2, bytes, at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
    }
  }
}

function processStops(exitWithParent: boolean): StopSource {
  return {
    listen(stop) {
      const onSignal = (signal: string): void => stop(signal)
      const onEnd = (): void => stop(parentGone)
      process.on('SIGTERM', onSignal)
      process.on('SIGINT', onSignal)
      if (exitWithParent) {
        process.stdin.once('close', onEnd)
        process.stdin.resume()
      }
      return () => {
        process.off('SIGTERM', onSignal)
        process.off('SIGINT', onSignal)
        if (exitWithParent) process.stdin.off('close', onEnd)
      }
    },
  }
}
