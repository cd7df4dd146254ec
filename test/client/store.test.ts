import { describe } from 'vitest'
import { storeSuite } from '../compliance/store.ts'
import { TestCluster } from '../support/test-cluster.ts'

describe("a client's store", () => {
  storeSuite(async () => {
    const cluster = new TestCluster()
    await cluster.add('a')
    const stop = cluster.run()
    const client = await cluster.connect()
    return {
      store: client.store,
      async close() {
        await client.close()
        stop()
      },
    }
  })
})
