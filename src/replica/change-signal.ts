/** Waiting for the next change of something that is looked at again afterwards. */

/** Wakes everybody who waits, each time it fires. */
export class ChangeSignal {
  private waiters: (() => void)[] = []

  /** Resolves when it fires next. */
  next(): Promise<void> {
    return new Promise((resolve) => this.waiters.push(resolve))
  }

  fire(): void {
    const waiters = this.waiters
    this.waiters = []
    for (const resolve of waiters) resolve()
  }
}
