/**
 * Damage to every file of a node, checked against real processes. The table in `damage/table.ts` says what must come of it.
 *
 * Lanes run side by side; name some to run only those: log, witness, state. A second word picks targets by a part of their
 * name.
 */
import { join } from 'node:path'
import { main } from './harness/index.ts'
import type { Scene } from './harness/index.ts'
import { Lane, names } from './damage/lane.ts'
import { runPromiseCase } from './damage/promise-case.ts'
import { runStateCase } from './damage/state-case.ts'
import { ownLogCases, promiseCases, stateCases } from './damage/table.ts'
import type { Case } from './damage/table.ts'

type Run = (lane: Lane, one: Case, victim: string) => Promise<string>

interface Plan {
  readonly cases: readonly Case[]
  readonly run: Run
  /** Who is damaged in the case of this number. */
  readonly victim: (at: number) => string
  /** Prepares the lane. */
  readonly before?: (lane: Lane) => Promise<void>
}

const inTurn = (at: number): string => names[at % names.length] as string

const plans: Readonly<Record<string, readonly Plan[]>> = {
  log: [{ cases: promiseCases.filter(({ target }) => target === 'log segment'), run: runPromiseCase, victim: inTurn }],
  witness: [
    { cases: promiseCases.filter(({ target }) => target !== 'log segment'), run: runPromiseCase, victim: inTurn },
  ],
  state: [
    { cases: ownLogCases, run: runStateCase, victim: () => 'n2' },
    { cases: stateCases, run: runStateCase, victim: () => 'n3', before: makeJoined },
  ],
}

/** n3 becomes a member that joined: its log begins with a snapshot, so it can't rebuild its state alone. */
async function makeJoined(lane: Lane): Promise<void> {
  await lane.cluster.server('n3').stop()
  await lane.replace('n3')
}

async function runLane(scene: Scene, name: string, part: string): Promise<void> {
  const { report, directory } = scene
  const lane = await Lane.make(join(directory, name))
  try {
    for (const { cases, run, victim, before } of plans[name] as readonly Plan[]) {
      await before?.(lane)
      const chosen = cases.filter(({ target }) => target.includes(part))
      for (const [at, one] of chosen.entries()) {
        const title = `${one.target}, ${one.damage}: ${one.outcome}, because ${one.because}`
        const passed = await report.check(title, () => run(lane, one, victim(at)))
        // What a failed case leaves behind says nothing about the next one.
        if (!passed) return report.note(`lane ${name} ends here`)
      }
    }
  } finally {
    await lane.cluster.close()
  }
}

await main('damage', async (scene) => {
  const [lanes = '', part = ''] = scene.only
  const chosen = Object.keys(plans).filter((name) => lanes === '' || lanes.split(',').includes(name))
  scene.report.section(`damage, lanes ${chosen.join(', ')}`)
  await Promise.all(chosen.map((name) => runLane(scene, name, part)))
})
