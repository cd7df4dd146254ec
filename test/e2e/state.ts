/**
 * What stands on transactions, history, watches and leases, with real processes: the commands, a watch that runs a command for each event,
 * and sessions.
 *
 * Parts: commands, watching, sessions. Name some to run only those.
 */
import { runParts } from './harness/index.ts'
import { commands } from './state/commands.ts'
import { sessions } from './state/sessions.ts'
import { watching } from './state/watching.ts'

await runParts('state', { commands, watching, sessions })
