/** Bytes that are no protocol, at every layer: the connection ends, the node goes on. */
import { randomBytes } from 'node:crypto'
import { connect as connectSocket } from 'node:net'
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import { clientHello, encodeHello, linkPath } from '../../../net/index.ts'
import { frameKinds } from '../../../src/wire/index.ts'
import { Cluster, atExit, expect, nitrostate, sleep, until } from '../harness/index.ts'
import type { Scene } from '../harness/index.ts'

const names = ['n1', 'n2', 'n3']

/** Runs the part. */
export async function garbage({ report, directory }: Scene): Promise<void> {
  report.section('garbage on the port of a node')
  const cluster = await Cluster.make({ directory, founders: names })
  try {
    await cluster.startWhole(names)
    const { address } = cluster.at('n1')
    const port = Number(address.split(':')[1])
    const serves = async (): Promise<void> => {
      expect(cluster.server('n1').running, () => `n1 has ended\n${cluster.server('n1').tail()}`)
      const client = await cluster.only('n1')
      await client.store.put('still', 'here', { timeoutMs: 5_000 })
    }
    const check = (name: string, run: () => Promise<string | void>): Promise<boolean> =>
      report.check(name, async () => {
        const remark = await run()
        await serves()
        return remark
      })

    await check('random bytes', async () => {
      for (let round = 0; round < 20; round++) await ended(port, randomBytes(1 + round * 500))
    })
    await check('a TLS hello', () => ended(port, Buffer.from('160301020001000001fc0303', 'hex')))
    await check('requests that are no HTTP', async () => {
      const heads = ['GET\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n']
      for (const text of heads) await ended(port, Buffer.from(text))
      await ended(port, Buffer.from(`GET /${'a'.repeat(100_000)} HTTP/1.1\r\n\r\n`))
    })
    await check('paths and methods that do not exist', async () => {
      const [path, method] = [
        await fetch(`http://${address}/nowhere`),
        await fetch(`http://${address}/readyz`, { method: 'DELETE' }),
      ]
      expect(path.status === 404 && method.status === 405, `${path.status} and ${method.status}`)
    })
    await check('a request from a web page', async () => {
      const socket = new WebSocket(`ws://${address}${linkPath}`, { origin: 'http://example.org' })
      const status = await new Promise<number>((resolve) => {
        socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
        socket.once('open', () => resolve(101))
        socket.once('error', () => resolve(0))
      })
      socket.terminate()
      expect(status === 403, `answered ${status}`)
    })
    await check('two hundred connections that say nothing', async () => {
      const idle = await Promise.all(Array.from({ length: 200 }, () => open(port)))
      await serves()
      for (const socket of idle) socket.destroy()
    })
    await check('frames of random bytes instead of a hello', async () => {
      for (let round = 0; round < 50; round++) await linkEnds(address, [randomBytes(round * 7)])
    })
    await check('a hello with every byte flipped in turn', async () => {
      const hello = encodeHello(clientHello('garbage', randomBytes(16)))
      let taken = 0
      for (let at = 0; at < hello.length; at += 1) {
        const bent = hello.slice()
        bent[at] = (bent[at] as number) ^ 0xff
        if (!(await linkEnds(address, [bent], 200))) taken++
      }
      return `${hello.length} variants, ${taken} of them in fields that may say anything`
    })
    await check('text instead of binary frames', () => linkEnds(address, ['{"hello":"world"}']).then(() => {}))
    await check('a session, then random payloads of every kind of message', async () => {
      const hello = encodeHello(clientHello('garbage', randomBytes(16)))
      for (let kind = 0; kind < 64; kind++) {
        const frames = [0, 1, 9, 200].map((size) => Buffer.concat([Uint8Array.of(1, kind), randomBytes(size)]))
        for (const frame of frames) await linkEnds(address, [hello, frame], 100)
      }
    })
    await check('a session, then batches whose lengths lie', async () => {
      const hello = encodeHello(clientHello('garbage', randomBytes(16)))
      for (const kind of [frameKinds.commands, frameKinds.queries, frameKinds.call]) {
        for (const body of ['ffffffff', '01000000ffffff7f', '0100000000', 'ff'.repeat(64), '00'.repeat(64)]) {
          await linkEnds(address, [hello, Buffer.concat([Uint8Array.of(1, kind), Buffer.from(body, 'hex')])], 100)
        }
      }
    })
    await check('the node tells why it ends a link', async () => {
      const hello = encodeHello(clientHello('garbage', randomBytes(16)))
      const reasons = [
        await endOf(address, [randomBytes(40)]),
        await endOf(address, [hello, Uint8Array.of(1, frameKinds.call, 0xff, 0xff)]),
        await endOf(address, [hello, randomBytes(9 << 20)]),
      ]
      const [nonsense, call, large] = reasons.map((end) => end ?? 'nothing')
      const all = reasons.join('; ')
      expect(/MalformedFrame/.test(nonsense ?? '') && /MalformedFrame/.test(call ?? ''), all)
      expect(/FrameTooLarge|1009/.test(large ?? ''), all)
      return all
    })
    await check('half a frame, then nothing', async () => {
      const head = `GET ${linkPath} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n`
      const socket = await open(port)
      socket.write(
        `${head}sec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
      )
      socket.write(Uint8Array.of(0x82, 0xff, 0, 0))
      await sleep(300)
      socket.destroy()
    })
    await report.check('all of it left no trace: the cluster is whole, one process as before', async () => {
      await cluster.whole(names)
      const { code, err } = await nitrostate(['health', '--endpoints', cluster.endpoints().join()])
      expect(code === 0, err)
      return cluster.hashesAgree(names)
    })
  } finally {
    await cluster.close()
  }
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host: '127.0.0.1', port }, () => resolve(socket))
    socket.once('error', reject)
    socket.on('error', () => {})
    socket.resume()
    socket.once(
      'close',
      atExit(() => void socket.destroy()),
    )
  })
}

/** Sends bytes and waits until the node ends the connection; half of a request may be waited for, so it is ended here. */
async function ended(port: number, bytes: Uint8Array): Promise<void> {
  const socket = await open(port)
  socket.write(bytes)
  setTimeout(() => socket.end(), 300).unref()
  await until('the connection ends', () => socket.destroyed, { timeoutMs: 12_000, everyMs: 10 })
}

/** Opens a link, sends frames, and tells whether the node ended it within `waitMs`. */
async function linkEnds(address: string, frames: readonly (Uint8Array | string)[], waitMs = 4_000): Promise<boolean> {
  return (await endOf(address, frames, waitMs)) !== undefined
}

/** The same, with the code and reason that the link was closed with; undefined when it was not. */
async function endOf(
  address: string,
  frames: readonly (Uint8Array | string)[],
  waitMs = 10_000,
): Promise<string | undefined> {
  const socket = new WebSocket(`ws://${address}${linkPath}`, { perMessageDeflate: false })
  socket.on('error', () => {})
  const closed = new Promise<string>((resolve) =>
    socket.once('close', (code, reason) => resolve(`${code} ${reason.toString()}`)),
  )
  await new Promise<void>((resolve) => {
    socket.once('open', resolve)
    socket.once('close', () => resolve())
  })
  for (const frame of frames) if (socket.readyState === WebSocket.OPEN) socket.send(frame)
  const end = await Promise.race([closed, sleep(waitMs).then(() => undefined)])
  socket.terminate()
  return end
}
