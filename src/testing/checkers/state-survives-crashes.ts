/**
 * State survives crashes: a member whose disk was never damaged finds its state again after every crash, and does not have
 * to fetch it from a peer. So what is flushed is whole, and the log begins no later than the state ends.
 */
import type { Checker, Report } from './checker.ts'

interface Life {
  /** It takes part. */
  opened: boolean
  /** It has a state. */
  loaded: boolean
  /** In the life before this one it took part with a state until the end. */
  wasWhole: boolean
  damaged: boolean
}

/** Watches whether a member that opens has its state. */
export class StateSurvivesCrashes implements Checker {
  readonly property = 'state survives crashes'
  private readonly lives = new Map<string, Life>()
  private readonly report: Report

  constructor(report: Report) {
    this.report = report
  }

  loaded(node: string): void {
    this.lifeOf(node).loaded = true
  }

  opened(node: string): void {
    const life = this.lifeOf(node)
    life.opened = true
    if (life.wasWhole && !life.loaded && !life.damaged) this.report(`${node} has lost its state in a crash`)
  }

  damaged(node: string): void {
    this.lifeOf(node).damaged = true
  }

  down(node: string): void {
    const life = this.lifeOf(node)
    // One that was cut short while it opened its database does not trust it the next time.
    life.wasWhole = life.opened && life.loaded
    life.opened = false
    life.loaded = false
  }

  private lifeOf(node: string): Life {
    let life = this.lives.get(node)
    if (life === undefined) {
      this.lives.set(node, (life = { opened: false, loaded: false, wasWhole: false, damaged: false }))
    }
    return life
  }
}
