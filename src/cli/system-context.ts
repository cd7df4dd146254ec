/** The context of a real process. Only this file and `main.ts` know `process`. */
import picocolors from 'picocolors'
import { systemClock, systemRandom, systemScheduler } from '../../base/index.ts'
import type { CliContext, InputStream, OutputStream } from './context.ts'
import { runChild } from './run-child.ts'

/** The context of this process; `mainPath` is the script that runs. */
export function systemContext(mainPath: string): CliContext {
  return {
    environment: process.env,
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    stdin: input(process.stdin),
    colors: picocolors.isColorSupported && process.stdout.isTTY && process.stderr.isTTY,
    clock: systemClock,
    scheduler: systemScheduler,
    random: systemRandom,
    mainPath,
    invocation: process.argv[1]?.endsWith('main.js') === true ? 'npx nitrostate' : 'nitrostate',
    async connect(options) {
      const { connect } = await import('../client/index.ts')
      return connect(options)
    },
    runChild,
    onInterrupt,
  }
}

function output(stream: NodeJS.WriteStream): OutputStream {
  return {
    isTerminal: stream.isTTY,
    get columns() {
      // A terminal that does not know its size says 0.
      return stream.isTTY && stream.columns > 0 ? stream.columns : undefined
    },
    write: (chunk) =>
      new Promise((resolve) => {
        if (stream.write(chunk)) resolve()
        else stream.once('drain', resolve)
      }),
  }
}

function input(stream: NodeJS.ReadStream): InputStream {
  return {
    isTerminal: stream.isTTY,
    async *chunks() {
      for await (const chunk of stream) yield chunk as Uint8Array
    },
  }
}

function onInterrupt(listener: (signal: string) => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, listener)
  return () => {
    for (const signal of signals) process.off(signal, listener)
  }
}
