/** The half of this folder that needs the node, pino and prom-client; loaded only where a server runs. */
export { failpointOf } from './failpoint.ts'
export { httpRoutes, type HttpSources } from './http.ts'
export { createLogger, type LoggerOptions } from './logger.ts'
export { prometheusMetrics, type PrometheusMetrics } from './metrics.ts'
export { loadPrograms } from './programs.ts'
export { runServer, type ServedNode, type ServerParts } from './server.ts'
