/** The health service of gRPC, for load balancers: a node serves while it is caught up and knows a leader. */
import type { Backend } from './backend.ts'
import type { StreamCall } from './call.ts'
import { service, stream, unary } from './methods.ts'
import type { Method } from './methods.ts'
import { RpcError } from './rpc-error.ts'
import type { Encodable } from './schema/index.ts'

const serving = { yes: 1, no: 2, unknownService: 3 } as const
const lookEveryMs = 1_000

/** Methods of `grpc.health.v1.Health`. */
export function healthService(backend: Backend): readonly Method[] {
  const answer = (): Encodable<'HealthCheckResponse'> => ({ status: isServing(backend) ? serving.yes : serving.no })
  return service('grpc.health.v1.Health', [
    unary('Check', ['HealthCheckRequest', 'HealthCheckResponse'], [], async (request) => {
      if (request.service !== '') throw new RpcError('notFound', 'unknown service')
      return answer()
    }),
    stream('Watch', ['HealthCheckRequest', 'HealthCheckResponse'], [], (request, call) =>
      follow(backend, call, request.service === '' ? answer : () => ({ status: serving.unknownService })),
    ),
  ])
}

function isServing(backend: Backend): boolean {
  return backend.hasLeader && backend.status().ready
}

/** Tells the state now and after each change, until the caller goes. */
async function follow(
  backend: Backend,
  call: StreamCall<Encodable<'HealthCheckResponse'>>,
  answer: () => Encodable<'HealthCheckResponse'>,
): Promise<void> {
  const { signal } = call
  let told: number | undefined
  let wake = (): void => {}
  signal.addEventListener('abort', () => wake(), { once: true })
  while (!signal.aborted) {
    const { status } = answer()
    if (status !== told) call.send({ status })
    told = status
    await new Promise<void>((resolve) => {
      const timer = backend.scheduler.after(lookEveryMs, resolve)
      wake = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}
