/** Child processes of a benchmark: started together, ended together, their output kept for when something goes wrong. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

const keptBytesMax = 16_384

/** A running child. */
export class ServerProcess {
  readonly name: string
  readonly pid: number
  private readonly child: ChildProcess
  private readonly ended: Promise<void>
  private output = ''
  private stopping = false

  constructor(name: string, command: string, args: readonly string[]) {
    this.name = name
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: cleanEnvironment() })
    this.pid = this.child.pid ?? 0
    const keep = (chunk: Buffer): void => void (this.output = (this.output + chunk.toString()).slice(-keptBytesMax))
    this.child.stdout?.on('data', keep)
    this.child.stderr?.on('data', keep)
    this.ended = new Promise((resolve) => {
      this.child.once('error', (error) => {
        keep(Buffer.from(error.message))
        resolve()
      })
      this.child.once('close', (code, signal) => {
        if (!this.stopping) process.stderr.write(`${name} ended (${code ?? signal}):\n${this.output}\n`)
        resolve()
      })
    })
  }

  /** What it has written last, at most 16 KiB. */
  get lastOutput(): string {
    return this.output
  }

  /** Ends it and waits for that. */
  async stop(): Promise<void> {
    this.stopping = true
    this.child.kill('SIGKILL')
    await this.ended
  }
}

/** Settings of the shell are not for the servers that are measured. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:NITROSTATE|ETCD)_/.test(name)))
}

/** Ports nobody listens on now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports: number[] = []
  for (const server of servers) {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    ports.push((server.address() as AddressInfo).port)
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** Asks again until there is an answer. Throws the last error after `timeoutMs`. */
export async function eventually<T>(timeoutMs: number, ask: () => Promise<T>): Promise<T> {
  const until = performance.now() + timeoutMs
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (performance.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
