/**
 * The guard around methods of programs: while one runs, what differs between nodes is not there to be used.
 *
 * Methods are synchronous, so the functions are exchanged for ones that throw just for that time, and nobody else ever meets
 * those. It catches mistakes, not malice: a function that a module took for itself before (`const { now } = Date`, a named
 * import of a Node module) can't be taken back.
 */
import { NitroError } from '../../base/index.ts'
import type { MethodGuard } from '../../execution/index.ts'

/**
 * Functions to close: what they are called, the object they stand on, how they are put there. Each is put by a function of
 * its own, because one that is told the name takes twice as long. What this runtime does not have is passed over.
 */
const clocksAndChance: readonly Closed[] = [
  ['setTimeout', world, (on, it) => (on['setTimeout'] = it)],
  ['setInterval', world, (on, it) => (on['setInterval'] = it)],
  ['setImmediate', world, (on, it) => (on['setImmediate'] = it)],
  ['queueMicrotask', world, (on, it) => (on['queueMicrotask'] = it)],
  ['fetch', world, (on, it) => (on['fetch'] = it)],
  ['Math.random', () => Math, (on, it) => (on['random'] = it)],
  ['Date.now', () => globalThis.Date, (on, it) => (on['now'] = it)],
  ['performance.now', () => prototypeOf('performance'), (on, it) => (on['now'] = it)],
  ['crypto.getRandomValues', () => prototypeOf('crypto'), (on, it) => (on['getRandomValues'] = it)],
  ['crypto.randomUUID', () => prototypeOf('crypto'), (on, it) => (on['randomUUID'] = it)],
  ['crypto.randomBytes', () => moduleOf('crypto'), (on, it) => (on['randomBytes'] = it)],
  ['crypto.randomInt', () => moduleOf('crypto'), (on, it) => (on['randomInt'] = it)],
  ['crypto.randomUUID', () => moduleOf('crypto'), (on, it) => (on['randomUUID'] = it)],
  ['process.hrtime', () => part(globalThis, 'process'), (on, it) => (on['hrtime'] = it)],
  ['process.nextTick', () => part(globalThis, 'process'), (on, it) => (on['nextTick'] = it)],
]

/** What is slower to exchange and rarely reached for by mistake: closed where every method runs twice. */
const filesAndProcesses: readonly Closed[] = [
  ['process.uptime', () => part(globalThis, 'process'), (on, it) => (on['uptime'] = it)],
  ['process.cwd', () => part(globalThis, 'process'), (on, it) => (on['cwd'] = it)],
  ['fs.openSync', () => moduleOf('fs'), (on, it) => (on['openSync'] = it)],
  ['fs.readFileSync', () => moduleOf('fs'), (on, it) => (on['readFileSync'] = it)],
  ['fs.writeFileSync', () => moduleOf('fs'), (on, it) => (on['writeFileSync'] = it)],
  ['fs.existsSync', () => moduleOf('fs'), (on, it) => (on['existsSync'] = it)],
  ['fs.statSync', () => moduleOf('fs'), (on, it) => (on['statSync'] = it)],
  ['fs.readdirSync', () => moduleOf('fs'), (on, it) => (on['readdirSync'] = it)],
  ['child_process.execSync', () => moduleOf('child_process'), (on, it) => (on['execSync'] = it)],
  ['child_process.spawnSync', () => moduleOf('child_process'), (on, it) => (on['spawnSync'] = it)],
]

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown
type Holder = Record<string, unknown>
type Put = (on: Holder, it: unknown) => void
type Closed = readonly [what: string, holder: () => unknown, put: Put]

interface Door {
  readonly holder: Holder
  readonly put: Put
  readonly open: unknown
  readonly shut: unknown
}

/** Closes and opens all doors at once. */
class SwappingGuard implements MethodGuard {
  private readonly closed: readonly Closed[]
  private doors: readonly Door[] | undefined
  private inside = false
  private used: string | undefined

  constructor(closed: readonly Closed[]) {
    this.closed = closed
  }

  enter(): void {
    this.doors ??= this.makeDoors()
    this.inside = true
    this.used = undefined
    for (const { holder, put, shut } of this.doors) put(holder, shut)
  }

  leave(): string | undefined {
    for (const { holder, put, open } of this.doors ?? []) put(holder, open)
    this.inside = false
    return this.used
  }

  private makeDoors(): Door[] {
    const doors: Door[] = []
    for (const [what, holderOf, put] of this.closed) {
      const holder = holderOf() as Holder | undefined
      const name = what.slice(what.lastIndexOf('.') + 1)
      if (holder === undefined || !canSwap(holder, name)) continue
      const open = holder[name] as AnyFunction
      doors.push({ holder, put, open, shut: this.shut(open, what) })
    }
    const { Date: open } = globalThis
    doors.push({ holder: globalThis, put: (on, it) => (on['Date'] = it), open, shut: this.shutDate(open) })
    return doors
  }

  /** A function that throws inside a method. What a method carried out of it works as ever. */
  private shut(open: AnyFunction, what: string): AnyFunction {
    const { refuse } = this
    const shut = function (this: unknown, ...args: unknown[]): unknown {
      refuse(what)
      return new.target === undefined ? open.apply(this, args) : (Reflect.construct(open, args) as unknown)
    }
    // `process.hrtime.bigint` and the like.
    for (const [name, inner] of Object.entries(open)) {
      if (typeof inner === 'function')
        Object.assign(shut, { [name]: this.shut(inner as AnyFunction, `${what}.${name}`) })
    }
    return shut
  }

  /** Dates can be made from numbers and fields, not from the present moment. */
  private shutDate(open: DateConstructor): unknown {
    const { refuse } = this
    const shut = function (...args: unknown[]): unknown {
      if (new.target === undefined || args.length === 0) refuse('Date')
      if (new.target === undefined) return open()
      return Reflect.construct(open, args, new.target === (shut as unknown) ? open : new.target) as unknown
    }
    shut.prototype = open.prototype as unknown
    const now = this.shut(open.now, 'Date.now')
    return Object.assign(shut, { now, UTC: open.UTC, parse: open.parse })
  }

  private readonly refuse = (what: string): void => {
    if (!this.inside) return
    this.used ??= what
    throw new NitroError('NonDeterministic', `${what} differs between nodes`, { details: { what } })
  }
}

/** The guard of this process: no clock, no randomness, no timers, no network. What it exchanges is the process's own. */
export const methodGuard: MethodGuard = new SwappingGuard(clocksAndChance)

/** The same, and no files and no other processes either. */
export const strictMethodGuard: MethodGuard = new SwappingGuard([...clocksAndChance, ...filesAndProcesses])

function world(): unknown {
  return globalThis
}

function canSwap(holder: Holder, name: string): boolean {
  const own = Object.getOwnPropertyDescriptor(holder, name)
  return own?.writable === true && typeof own.value === 'function'
}

function part(from: object, name: string): unknown {
  return (from as Holder)[name]
}

function prototypeOf(name: string): unknown {
  const value = part(globalThis, name)
  return value === undefined ? undefined : (Object.getPrototypeOf(value) as unknown)
}

/** A module of Node, as one object for all who did not take single functions from it. */
function moduleOf(name: string): unknown {
  const process = part(globalThis, 'process') as { getBuiltinModule?: (name: string) => unknown } | undefined
  return process?.getBuiltinModule?.(name)
}
