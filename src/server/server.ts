/** The daemon: one node, its HTTP routes, its logs, and a clean end. */
import { type Logger, type Scheduler, messageOf, systemClock, systemScheduler } from '../../base/index.ts'
import type { NodeStatus } from '../api/index.ts'
import { type EtcdNode, etcdGateway, etcdVersion } from '../gateway/etcd/index.ts'
import { openNode, type Node, type NodeOptions } from '../node/index.ts'
import { nodeCrypto } from '../storage/index.ts'
import { exitCodeOf, explainFatal, serverExit } from './explain.ts'
import { failpointOf } from './failpoint.ts'
import type { ServerHost } from './host.ts'
import { httpRoutes } from './http.ts'
import { createLogger } from './logger.ts'
import { prometheusMetrics } from './metrics.ts'
import type { ServerOptions } from './options.ts'
import { loadPrograms } from './programs.ts'
import { nextStop, parentGone, stopWithin, type StopSource } from './shutdown.ts'
import { version } from './version.ts'

/** What {@link runServer} stands on; tests give their own. */
export interface ServerParts {
  readonly open?: (options: NodeOptions) => Promise<ServedNode>
  readonly scheduler?: Scheduler
}

/** The part of a node that the daemon uses. */
export type ServedNode = Pick<Node, 'address' | 'status' | 'ready' | 'stopped' | 'close'> & EtcdNode

/**
 * Runs a server until a signal or a fatal error ends it. Resolves with the exit code: 0 after a signal, 2 for bad
 * options, 5 when the cluster could not be reached, 1 for every other error. Never rejects.
 */
export async function runServer(options: ServerOptions, host: ServerHost, parts: ServerParts = {}): Promise<number> {
  const scheduler = parts.scheduler ?? systemScheduler
  const logger = serverLogger(options, host)
  const metrics = prometheusMetrics()
  let node: ServedNode | undefined
  const { nodeRelease } = host
  const etcd = etcdGateway({ node: () => node, clock: systemClock, scheduler, crypto: nodeCrypto, logger, nodeRelease })
  const http = httpRoutes({
    status: () => statusOf(node),
    version,
    etcdVersion,
    etcd: (request, response) => etcd.request(request, response),
    metrics,
  })
  const source = host.stops(options.exitWithParent)
  host.tuneEngine()
  const heapIsOver = host.keepHeapRoom()
  try {
    const nodeOptions = nodeOptionsOf(options, {
      programs: await loadPrograms(options.programs),
      logger,
      metrics,
      http,
      http2: (socket) => etcd.connection(socket),
      hooks: failpointOf(host.environment, () => host.crash()),
    })
    const stop = nextStop(source)
    const opened = await Promise.race([(parts.open ?? openNode)(nodeOptions), stop.reason])
    if (typeof opened === 'string') {
      logger.info({ reason: opened }, 'stopped before the node was open')
      return serverExit.ok
    }
    node = opened
    logger.info({ name: options.name, address: node.address, dataDir: options.dataDir, version }, 'listening')
    announceReady(node, logger)
    const end = await Promise.race([node.stopped.then((error) => ({ error })), stop.reason])
    stop.cancel()
    if (typeof end !== 'string') return ended(end.error, options, host)
    return await shutDown(node, end, { options, scheduler, source, logger })
  } catch (error) {
    return ended(error, options, host)
  } finally {
    heapIsOver()
    etcd.close()
    metrics.close()
  }
}

function serverLogger(options: ServerOptions, host: ServerHost): Logger {
  const automatic = host.errorIsTerminal ? 'pretty' : 'json'
  return createLogger({
    level: options.logLevel,
    format: options.logFormat === 'auto' ? automatic : options.logFormat,
    colors: host.colors,
    write: (line) => host.writeError(line),
  })
}

function nodeOptionsOf(
  options: ServerOptions,
  {
    hooks,
    ...rest
  }: Required<Pick<NodeOptions, 'programs' | 'logger' | 'metrics' | 'http' | 'http2'>> & {
    readonly hooks: ((point: string) => void) | undefined
  },
): NodeOptions {
  const { name, dataDir, listen, advertise, peers, join, learner, insecure, tickMs, electionTimeoutMs } = options
  return {
    name,
    dataDir,
    listen,
    learner,
    insecure,
    ...(advertise === undefined ? {} : { advertise }),
    ...(peers === undefined ? {} : { peers }),
    ...(join === undefined ? {} : { join }),
    ...(tickMs === undefined ? {} : { tickMs }),
    ...(electionTimeoutMs === undefined ? {} : { electionTimeoutMs }),
    ...(hooks === undefined ? {} : { ports: { hooks } }),
    ...rest,
  }
}

function announceReady(node: ServedNode, logger: Logger): void {
  node.ready().then(
    () => {
      const { role, leader, revision } = node.status()
      logger.info({ role, leader, revision }, 'ready')
    },
    (error: unknown) => logger.debug({ reason: messageOf(error) }, 'ended before it was ready'),
  )
}

async function shutDown(
  node: ServedNode,
  reason: string,
  {
    options,
    scheduler,
    source,
    logger,
  }: { options: ServerOptions; scheduler: Scheduler; source: StopSource; logger: Logger },
): Promise<number> {
  logger.info({ reason }, 'stopping')
  // A parent that goes takes all its nodes along: nobody would be there to take leadership over.
  const stop = (): Promise<void> => node.close({ transfer: reason !== parentGone })
  const outcome = await stopWithin({ stop, graceMs: options.shutdownGraceMs, scheduler, source })
  if (outcome === 'stopped') {
    logger.info({}, 'stopped')
    return serverExit.ok
  }
  logger.error({ outcome, graceMs: options.shutdownGraceMs }, 'ended without a clean stop')
  return serverExit.error
}

function ended(error: unknown, options: ServerOptions, host: ServerHost): number {
  if (error === undefined) return serverExit.ok
  host.writeError(explainFatal(error, options))
  return exitCodeOf(error)
}

function statusOf(node: ServedNode | undefined): NodeStatus | undefined {
  return node?.status()
}
