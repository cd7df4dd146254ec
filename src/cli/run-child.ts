/** Runs a child process to its end, on this process's standard output and error. */
import { spawn } from 'node:child_process'
import type { ChildRun } from './child.ts'

/** The shell's number for a command that could not be started. */
const notStarted = 127

/** Resolves with the exit code; a signal that ended it counts as 128 and its number, as in a shell. */
export function runChild({ command, args, environment, input, sharesInput, stop }: ChildRun): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: [sharesInput === true ? 'inherit' : 'pipe', 'inherit', 'inherit'],
      env: { ...process.env, ...environment },
    })
    child.once('error', (error) => {
      process.stderr.write(`error: ${error.message}\n`)
      resolve(notStarted)
    })
    let killTimer: NodeJS.Timeout | undefined
    const end = (): void => {
      // Without a process there is no number either, and Node would send the signal to 0: to all of this process's group.
      if (child.pid === undefined) return
      child.kill('SIGTERM')
      killTimer = setTimeout(() => child.kill('SIGKILL'), stop?.killAfterMs)
    }
    if (stop?.signal.aborted === true) end()
    else stop?.signal.addEventListener('abort', end)
    child.once('exit', () => {
      clearTimeout(killTimer)
      stop?.signal.removeEventListener('abort', end)
    })
    child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : signalNumber(signal))))
    if (sharesInput === true) return
    // A child that does not read what it gets is no error.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

function signalNumber(signal: NodeJS.Signals): number {
  return { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 }[signal as 'SIGINT'] ?? 0
}
