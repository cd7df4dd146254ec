/** The door of a node: its listening port, which may be open before there is a replica behind it. */
import type { Link, Listener, Transport } from '../../net/index.ts'
import type { ReplicaPorts } from '../replica/index.ts'

/** The listening port: takes links from the first moment and holds them until there is somebody to take them. */
export class Door {
  address = ''
  private readonly transport: Transport
  private listener: Listener | undefined
  private waiting: Link[] = []
  private take: ((link: Link) => void) | undefined

  constructor(ports: ReplicaPorts) {
    this.transport = ports.transport
  }

  async open(listen: string): Promise<void> {
    this.listener = await this.transport.listen(listen, (link) => {
      if (this.take === undefined) this.waiting.push(link)
      else this.take(link)
    })
    this.address = this.listener.address
  }

  /** From now on `take` gets every link. */
  attend(take: (link: Link) => void): void {
    this.take = take
    for (const link of this.waiting.splice(0)) take(link)
  }

  async close(): Promise<void> {
    for (const link of this.waiting.splice(0)) link.close()
    await this.listener?.close()
  }
}
