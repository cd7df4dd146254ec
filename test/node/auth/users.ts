/** Clusters in which permissions are in force. */
import { afterEach, beforeEach } from 'vitest'
import { isNitroError } from '../../../base/index.ts'
import type { Node } from '../../../src/node/index.ts'
import { World } from '../world.ts'

/** The code of the error that a request ends with, or `ok`. */
export const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'ok',
    (error: unknown) => (isNitroError(error) ? error.code : String(error)),
  )

/** A world for each test of a file; its nodes are closed after the test. */
export class UsersWorld {
  world: World = new World()
  /** All that are to be closed. */
  nodes: Node[] = []

  constructor() {
    beforeEach(() => {
      this.world = new World()
    })
    afterEach(async () => {
      await Promise.all(this.nodes.map((node) => node.close({ transfer: false })))
      this.nodes = []
      this.world.stop()
    })
  }

  /** A cluster with two users: root, and `ada`, who may read and write `app/`. */
  async cluster(...names: string[]): Promise<Node[]> {
    this.nodes = await this.world.form(...names)
    const { auth } = this.nodes[0] as Node
    await auth.userAdd('root', { password: 'secret' })
    await auth.userGrantRole('root', 'root')
    await auth.userAdd('ada', { password: 'lovelace' })
    await auth.roleAdd('app')
    await auth.roleGrantPermission('app', { access: 'readwrite', key: 'app/', rangeEnd: 'app0' })
    await auth.userGrantRole('ada', 'app')
    await auth.enable()
    return this.nodes
  }
}
