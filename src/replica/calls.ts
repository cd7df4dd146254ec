/** One call to an address, as a client: connect, ask, hang up. For joining, before there are links. */
import { NitroError } from '../../base/index.ts'
import { clientHello, connectSession } from '../../net/index.ts'
import { decodeReply, encodeCall, frameKinds } from '../wire/index.ts'
import type { CallParams, CallValue } from '../wire/index.ts'
import type { ReplicaPorts } from './ports.ts'

/** Calls `method` of the node at `address` and resolves with its answer. Throws what it answers, or `Unavailable`. */
export async function callOnce(
  ports: ReplicaPorts,
  startId: Uint8Array,
  address: string,
  method: string,
  params: CallParams,
  timeoutMs: number,
): Promise<CallValue> {
  const { scheduler } = ports
  const link = await ports.transport.dial(address, { timeoutMs })
  const session = await connectSession(link, clientHello('', startId), {
    scheduler,
    timeoutMs,
    verify: () => undefined,
  })
  try {
    return await new Promise<CallValue>((resolve, reject) => {
      const timer = scheduler.after(timeoutMs, () =>
        reject(new NitroError('Timeout', `${address} did not answer ${method} within ${timeoutMs} ms`)),
      )
      session.start({
        message(kind, payload) {
          if (kind !== frameKinds.reply) return
          timer.cancel()
          try {
            const reply = decodeReply(payload)
            if (reply.ok) resolve(reply.value)
            else reject(reply.error)
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)))
          }
        },
        close(error) {
          timer.cancel()
          reject(error ?? new NitroError('ConnectionClosed', `${address} closed the connection`))
        },
      })
      session.send(frameKinds.call, encodeCall({ id: 1, method, params }))
    })
  } finally {
    session.close()
  }
}
