/**
 * A server under strace: no vote, no append response and no answer to a client may leave it before what they promise is on its
 * disk. Then two builds that lie about their syncs, which the same check must find out.
 *
 * `--puts`: single puts while the traced server follows, and again while it leads; by default 150.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { breakBuild } from './durability/broken-build.ts'
import type { Lie } from './durability/broken-build.ts'
import { checkTrace } from './durability/check.ts'
import type { Rule, Verdict } from './durability/check.ts'
import { runTraced } from './durability/run.ts'
import { expect, main } from './harness/index.ts'

const elections = 6
/** More than a segment of the log holds. */
const largePuts = 40
/** Rules that a server without syncs breaks for certain, whatever it is asked. */
const found: readonly Rule[] = ['append response', 'vote response', 'vote request', 'commit', 'client answer']

await main('durability', async ({ report, directory, only }) => {
  const { values } = parseArgs({ args: [...only], options: { puts: { type: 'string', default: '150' } } })
  const puts = Number(values.puts)
  expect(puts >= 1, `--puts ${values.puts}`)
  const { error } = spawnSync('strace', ['--version'])
  expect(error === undefined, 'strace is not installed')

  report.section('the build as it is')
  let honest: Verdict | undefined
  await report.check(
    `a cluster with one traced server takes ${puts} puts, ${elections} elections, ${puts} puts`,
    async () => {
      const { path, alone } = await runTraced({ directory: join(directory, 'honest'), puts, largePuts, elections })
      honest = checkTrace(path, alone)
      expect(honest.segments >= 2, `the log was not continued in another file`)
      return `${honest.logSyncs} syncs of the log in ${honest.segments} segments, ${honest.witnessSyncs} of the witness`
    },
  )
  if (honest === undefined) return
  const least: Record<Rule, number> = {
    'append response': puts,
    'vote response': elections,
    'vote request': 1,
    'leader message': puts,
    commit: puts / 2,
    'client answer': puts,
  }
  for (const [rule, { checked, violations }] of Object.entries(honest.findings)) {
    await report.check(`no ${rule} leaves before what it promises is on disk`, () => {
      expect(
        violations.length === 0,
        () => `${violations.length} of ${checked} did:\n${violations.slice(0, 5).join('\n')}`,
      )
      const wanted = least[rule as Rule]
      expect(checked >= wanted, `only ${checked} were seen, at least ${wanted} should have been`)
      return `${checked} checked`
    })
  }

  for (const lie of ['skipped', 'late'] as const satisfies readonly Lie[]) {
    report.section(`a build whose fdatasync is ${lie}`)
    let verdict: Verdict | undefined
    await report.check('it runs just as well', async () => {
      const place = join(directory, lie)
      const executable = breakBuild(join(place, 'build'), lie)
      const { path, alone } = await runTraced({ directory: place, executable, puts: 30, largePuts: 0, elections: 2 })
      verdict = checkTrace(path, alone)
    })
    if (verdict === undefined) continue
    for (const rule of found) {
      const { checked, violations } = verdict.findings[rule]
      await report.check(`the check sees it: ${rule}, too early`, () => {
        expect(violations.length > 0, `it found nothing wrong with ${checked}`)
        return `${violations.length} of ${checked}, as ${violations[0]}`
      })
    }
  }
})
