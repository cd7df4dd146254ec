/**
 * The guard around methods of programs: while one runs, what differs between nodes is not there to be used.
 *
 * Methods are synchronous, so the functions are exchanged for ones that throw just for that time, and nobody else ever meets
 * those. It catches mistakes, not malice: a function that a module took for itself before (`const { now } = Date`, a named
 * import of a Node module) can't be taken back.
 */
import { NitroError } from '../../base/index.ts'
import type { MethodGuard } from '../../execution/index.ts'

/** Functions to close, by the object they stand on; objects that this runtime does not have are passed over. */
const closed: readonly (readonly [what: string, holder: () => unknown, names: readonly string[]])[] = [
  [
    '',
    () => globalThis,
    ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch', 'WebSocket', 'BroadcastChannel'],
  ],
  ['Math.', () => Math, ['random']],
  ['Date.', () => globalThis.Date, ['now']],
  ['performance.', () => prototypeOf('performance'), ['now']],
  ['crypto.', () => prototypeOf('crypto'), ['getRandomValues', 'randomUUID']],
  ['process.', () => part(globalThis, 'process'), ['nextTick', 'hrtime', 'uptime', 'cpuUsage', 'memoryUsage', 'cwd']],
  ['crypto.', () => moduleOf('crypto'), ['randomBytes', 'randomFillSync', 'randomInt', 'randomUUID']],
  ['fs.', () => moduleOf('fs'), ['openSync', 'readFileSync', 'writeFileSync', 'appendFileSync', 'existsSync']],
  ['fs.', () => moduleOf('fs'), ['statSync', 'readdirSync', 'readFile', 'writeFile']],
  ['child_process.', () => moduleOf('child_process'), ['execSync', 'execFileSync', 'spawnSync', 'spawn']],
]

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown
type Holder = Record<string, unknown>

interface Door {
  readonly holder: Holder
  readonly name: string
  readonly open: unknown
  readonly shut: unknown
}

/** Closes and opens all doors at once. */
class SwappingGuard implements MethodGuard {
  private doors: readonly Door[] | undefined
  private inside = false
  private used: string | undefined

  enter(): void {
    this.doors ??= this.makeDoors()
    this.inside = true
    this.used = undefined
    for (const { holder, name, shut } of this.doors) holder[name] = shut
  }

  leave(): string | undefined {
    for (const { holder, name, open } of this.doors ?? []) holder[name] = open
    this.inside = false
    return this.used
  }

  private makeDoors(): Door[] {
    const doors: Door[] = []
    for (const [prefix, holderOf, names] of closed) {
      const holder = holderOf() as Holder | undefined
      if (holder === undefined) continue
      for (const name of names) {
        if (!canSwap(holder, name)) continue
        const open = holder[name] as AnyFunction
        doors.push({ holder, name, open, shut: this.shut(open, `${prefix}${name}`) })
      }
    }
    const { Date: open } = globalThis
    doors.push({ holder: globalThis, name: 'Date', open, shut: this.shutDate(open) })
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

/** The guard of this process; what it exchanges is the process's own. */
export const methodGuard: MethodGuard = new SwappingGuard()

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
