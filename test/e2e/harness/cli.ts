/** Runs the built command line, as a person would. */
import { spawn } from 'node:child_process'
import { mainPath } from './run.ts'

/** What a command did. */
export interface CliRun {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs `nitrostate ARGS` and resolves when it has ended. */
export function nitrostate(args: readonly string[], input = ''): Promise<CliRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [mainPath, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, out, err }))
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}
