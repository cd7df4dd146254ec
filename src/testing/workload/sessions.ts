/** Sessions: a client leaves and comes back as a stranger, as after a restart. */
import type { WorkloadOperation } from './operation.ts'

/** Closes the connection, whatever the client's other workers wait for, and opens another. */
export const reconnectOperation: WorkloadOperation = {
  name: 'reconnect',
  weight: 0.03,
  async run(turn) {
    turn.world.coverage.hit('client: new session')
    await turn.reconnect()
  },
}
