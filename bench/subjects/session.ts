/** The client's command session over a channel that answers everything at the end of the turn: what a put costs a client. */
import { ByteWriter, systemClock, systemRandom, systemScheduler } from '../../base/index.ts'
import { encodePutArgs, okResult } from '../../execution/index.ts'
import { CommandSession } from '../../src/wire/index.ts'
import type { CommandChannel, CommandOwner } from '../../src/wire/index.ts'
import type { Subject } from '../harness/measure.ts'
import { seededRandom } from '../harness/random.ts'

/** `CommandSession.command`, from arguments to the settled promise. */
export const session: Subject = {
  name: 'session',
  async run(measure) {
    const random = seededRandom()
    const [key, value] = [random.bytes(8), random.bytes(256)]
    const opened = new CommandSession({
      clock: systemClock,
      scheduler: systemScheduler,
      random: systemRandom,
      channel: new EchoChannel(),
    })
    for (const inFlight of [1, 64, 1000]) {
      await measure({
        name: `session.command/value=256,inFlight=${inFlight}`,
        ops: inFlight,
        async run() {
          const all: Promise<unknown>[] = []
          for (let i = 0; i < inFlight; i++) all.push(opened.command('kv', 'put', encodePutArgs(key, value)))
          await Promise.all(all)
        },
      })
    }
    opened.close()
  },
}

/** Answers with a revision, at the end of the turn. */
class EchoChannel implements CommandChannel {
  private readonly answer: Uint8Array
  private owner: CommandOwner | undefined
  private tags: number[] = []

  constructor() {
    const payload = new ByteWriter(8)
    payload.uint(123_456)
    this.answer = okResult(payload.take())
  }

  submit(_command: Uint8Array, done: CommandOwner, tag: number): void {
    this.owner = done
    if (this.tags.push(tag) === 1) systemScheduler.endOfTurn(() => this.answerAll())
  }

  private answerAll(): void {
    const { tags } = this
    this.tags = []
    for (const tag of tags) this.owner?.completed(tag, this.answer)
  }
}
