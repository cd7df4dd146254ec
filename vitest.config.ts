import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** The engines are held to more than the rest: a wrong branch there is a wrong answer everywhere. */
const engine = { lines: 95, branches: 90 }

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    exclude: ['test/e2e/**'],
    testTimeout: 30_000,
    // Threads start faster than processes, and there is one start for each file: a third less time in all.
    pool: 'threads',
    // By default one core is left to others: of two, that is half.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    coverage: {
      provider: 'v8',
      include: ['base/**/*.ts', 'consensus/**/*.ts', 'crdt/**/*.ts', 'execution/**/*.ts', 'net/**/*.ts', 'src/**/*.ts'],
      exclude: ['src/cli/**', '**/index.ts'],
      reporter: ['text-summary', 'json-summary', 'html'],
      thresholds: {
        lines: 85,
        branches: 75,
        'consensus/**/*.ts': engine,
        'execution/**/*.ts': engine,
      },
    },
  },
})
