/**
 * Failpoints, for tests of crashes with real processes: `NITROSTATE_FAILPOINT=POINT:crash[:N]` ends the process, as the loss of
 * power would, when it passes the named durability point for the N-th time (default 1). Points are the names that
 * `ports.hooks` is called with. Nobody sets this in production: without the variable there is no hook at all.
 */
import { NitroError } from '../../base/index.ts'

const variable = 'NITROSTATE_FAILPOINT'

/**
 * The hook that the environment asks for, or undefined. `crash` must not return to its caller in a process.
 * Throws `InvalidArgument` for anything but `POINT:crash` or `POINT:crash:N`.
 */
export function failpointOf(
  environment: Readonly<Record<string, string | undefined>>,
  crash: () => void,
): ((point: string) => void) | undefined {
  const text = environment[variable]
  if (text === undefined || text === '') return undefined
  const match = /^(.+):crash(?::([1-9]\d{0,8}))?$/.exec(text)
  if (match === null) {
    throw new NitroError('InvalidArgument', `${variable}: must be POINT:crash or POINT:crash:N, not "${text}"`)
  }
  const [, wanted, count] = match
  let left = Number(count ?? 1)
  return (point) => {
    if (point === wanted && --left === 0) crash()
  }
}
