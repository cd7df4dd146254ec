/** What is active on this machine, and what it could run instead. The only place that switches. */
import { NitroError } from '../base/index.ts'
import { activeVersion, afterActivation, emptyProgramSet, lacking, newIn } from './program-set.ts'
import type { ProgramSet } from './program-set.ts'

/** The active programs and flags of one machine. */
export class Activation {
  /** What this node offers. */
  readonly offer: ProgramSet
  private current: ProgramSet = emptyProgramSet
  private more = false
  private readonly switched: (active: ProgramSet) => void

  constructor(offer: ProgramSet, switched: (active: ProgramSet) => void) {
    this.offer = offer
    this.switched = switched
    this.set(emptyProgramSet)
  }

  /** What is active; another object after each switch. */
  get active(): ProgramSet {
    return this.current
  }

  /** Whether this node offers something above what is active. */
  get offersMore(): boolean {
    return this.more
  }

  /** Whether a flag is on. */
  flagOn(flag: number): boolean {
    return this.current.flags.includes(flag)
  }

  /** Whether this node offers a program of which no version is active. */
  awaits(name: string): boolean {
    return this.more && activeVersion(this.current, name) === 0 && this.offer.programs.some((one) => one.name === name)
  }

  /** Throws `UnsupportedVersion` if this node does not have what a change would put in force. */
  check(changes: ProgramSet): void {
    const missing = lacking(newIn(changes, this.current), this.offer)
    if (missing.length > 0) throw notInstalled(missing)
  }

  /** Puts a change in force that was checked. */
  activate(changes: ProgramSet): void {
    this.set(afterActivation(this.current, changes))
  }

  /** Goes on with what a loaded state says. Throws `UnsupportedVersion` if this node does not have it. */
  load(active: ProgramSet): void {
    const missing = lacking(active, this.offer)
    if (missing.length > 0) throw notInstalled(missing)
    this.set(active)
  }

  private set(active: ProgramSet): void {
    this.current = active
    const { programs, flags } = newIn(this.offer, active)
    this.more = programs.length + flags.length > 0
    this.switched(active)
  }
}

function notInstalled(missing: readonly string[]): NitroError {
  const what = missing.join(', ')
  const message = `the cluster runs ${what}, which this node does not have: start it with these versions of its programs`
  return new NitroError('UnsupportedVersion', message, { details: { missing: what } })
}
