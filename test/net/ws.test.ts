import { once } from 'node:events'
import { request } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemScheduler } from '../../base/index.ts'
import { isLoopback, type Link, type Listener, parseAddress, wsTransport } from '../../net/index.ts'
import { codeOf, Recorder } from '../compliance/transport.ts'
import { ManualTimers } from './schedulers.ts'

const upgrade = (path = '/v1/link', more = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
  `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`

/** A client frame with the mask key zero. */
const raw = (first: number, payload: Uint8Array): Buffer =>
  Buffer.concat([Uint8Array.of(first, 0x80 | payload.length, 0, 0, 0, 0), payload])

test('a frame leaves at the end of the turn, or at once when it is asked to', async () => {
  const ends: (() => void)[] = []
  const scheduler = { ...systemScheduler, endOfTurn: (run: () => void) => void ends.push(run) }
  const listener = await wsTransport({ scheduler: systemScheduler }).listen('127.0.0.1:0', (link) =>
    link.start(new Recorder().handlers),
  )
  const link = await wsTransport({ scheduler }).dial(listener.address, { timeoutMs: 5_000 })
  try {
    ends.length = 0
    link.send(new Uint8Array(100))
    expect([link.bufferedBytes > 100, ends.length]).toEqual([true, 1])
    link.flush()
    expect(link.bufferedBytes).toBe(0)
    for (const end of ends) end()
    expect(link.bufferedBytes).toBe(0)
  } finally {
    link.close()
    await listener.close()
  }
})

describe('ws listener', () => {
  let listener: Listener
  let links: Link[]
  let recorders: Recorder[]
  let arrived: () => void
  const sockets: Socket[] = []
  const timers = new ManualTimers()

  beforeEach(async () => {
    links = []
    recorders = []
    arrived = () => {}
    const transport = wsTransport({
      scheduler: timers,
      maxFrameBytes: 100_000,
      keepaliveMs: 5_000,
      headersTimeoutMs: 200,
      http: (req, response) => response.end(`plain ${req.url}`),
    })
    listener = await transport.listen('127.0.0.1:0', (link) => {
      const recorder = new Recorder()
      link.start(recorder.handlers)
      links.push(link)
      recorders.push(recorder)
      arrived()
    })
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await listener.close()
  })

  async function open(first: string | Uint8Array): Promise<Socket> {
    const { host, port } = parseAddress(listener.address)
    const socket = connect(port, host)
    socket.on('error', () => {})
    sockets.push(socket)
    await once(socket, 'connect')
    socket.write(first)
    return socket
  }

  /** Everything the server said until it ended the connection. */
  async function answer(socket: Socket): Promise<string> {
    let said = ''
    socket.on('data', (bytes) => {
      said += bytes.toString('latin1')
    })
    await once(socket, 'close')
    return said
  }

  async function link(): Promise<[Socket, Recorder]> {
    const next = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const socket = await open(upgrade())
    await next
    return [socket, recorders.at(-1) as Recorder]
  }

  const ended = async (recorder: Recorder) => {
    await recorder.when(() => recorder.ends.length === 1)
    return recorder.ends[0]?.code
  }

  test('frames in the same segment as the upgrade request are delivered', async () => {
    const frames = Buffer.concat([raw(0x82, Uint8Array.of(1)), raw(0x82, Uint8Array.of(2))])
    const next = new Promise<void>((resolve) => {
      arrived = resolve
    })
    await open(Buffer.concat([Buffer.from(upgrade()), frames]))
    await next
    const recorder = recorders[0] as Recorder
    await recorder.when(() => recorder.frames.length === 2)
    expect(recorder.frames).toEqual([Uint8Array.of(1), Uint8Array.of(2)])
  })

  test('plain HTTP on the same port reaches the handler', async () => {
    const { host, port } = parseAddress(listener.address)
    const [response] = await once(request({ host, port, path: '/health' }).end(), 'response')
    const [body] = await once(response.setEncoding('utf8'), 'data')
    expect(body).toBe('plain /health')
  })

  test('an upgrade elsewhere is 404, from a web page 403, malformed 400', async () => {
    expect(await answer(await open(upgrade('/other')))).toMatch(/^HTTP\/1.1 404 /)
    expect(await answer(await open(upgrade('/v1/link', 'Origin: http://evil.example\r\n')))).toMatch(/^HTTP\/1.1 403 /)
    const keyless = upgrade().replace(/Sec-WebSocket-Key.*\r\n/, '')
    expect(await answer(await open(keyless))).toMatch(/^HTTP\/1.1 400 /)
    expect(links).toEqual([])
  })

  test('a connection that does not finish its request head is closed', async () => {
    expect(await answer(await open('GET / HTTP/1.1\r\nHost: x\r\n'))).toMatch(/^HTTP\/1.1 40[08] /)
  })

  test('a text frame ends the link with MalformedFrame', async () => {
    const [socket, recorder] = await link()
    socket.write(raw(0x81, Buffer.from('text')))
    expect(await ended(recorder)).toBe('MalformedFrame')
    expect(recorder.frames).toEqual([])
  })

  test('a frame announced above the limit ends the link before it is read', async () => {
    const [socket, recorder] = await link()
    socket.write(Uint8Array.of(0x82, 0xff, 0, 0, 0, 0, 0, 0x0f, 0xff, 0xff, 0, 0, 0, 0))
    expect(await ended(recorder)).toBe('FrameTooLarge')
  })

  test('a frame that is not masked, or has reserved bits, ends the link with MalformedFrame', async () => {
    for (const bytes of [
      [0x82, 1, 9],
      [0xf2, 0x81, 0, 0, 0, 0, 1],
    ]) {
      const [socket, recorder] = await link()
      socket.write(Uint8Array.from(bytes))
      expect(await ended(recorder)).toBe('MalformedFrame')
    }
  })

  test('a peer that vanishes is ConnectionClosed', async () => {
    const [socket, recorder] = await link()
    socket.write(raw(0x82, Uint8Array.of(1)))
    await recorder.when(() => recorder.frames.length === 1)
    socket.resetAndDestroy()
    expect(await ended(recorder)).toBe('ConnectionClosed')
  })

  test('a peer that vanishes in the middle of a frame is ConnectionClosed, and the half is not delivered', async () => {
    const [socket, recorder] = await link()
    socket.end(raw(0x82, new Uint8Array(100)).subarray(0, 50))
    expect(await ended(recorder)).toBe('ConnectionClosed')
    expect(recorder.frames).toEqual([])
  })

  test('random bytes, before and after the upgrade, harm nobody', async () => {
    const [, bystander] = await link()
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 })
    await fc.assert(
      fc.asyncProperty(fc.boolean(), bytes, async (upgraded, garbage) => {
        const socket = upgraded ? (await link())[0] : await open(garbage)
        const gone = once(socket, 'close')
        socket.end(garbage)
        socket.resume()
        await gone
      }),
      { numRuns: 60 },
    )
    expect(bystander.ends).toEqual([])
    for (const recorder of recorders.slice(1)) await ended(recorder)
  })

  test('a silent peer gets pings, and after three without a sign of life the link ends', async () => {
    const [socket, recorder] = await link()
    socket.resume()
    timers.fire(5_000)
    for (let i = 0; i < 2; i++) {
      timers.fire(5_000)
      expect(recorder.ends).toEqual([])
    }
    timers.fire(5_000)
    expect(await ended(recorder)).toBe('ConnectionClosed')
  })

  test('a peer that shows life between the pings stays', async () => {
    const [socket, recorder] = await link()
    socket.resume()
    for (let i = 1; i <= 8; i++) {
      timers.fire(5_000)
      timers.fire(5_000)
      socket.write(raw(0x82, Uint8Array.of(i)))
      await recorder.when(() => recorder.frames.length === i)
    }
    expect(recorder.ends).toEqual([])
  })

  test('closing the listener does not wait for a peer that never answers', async () => {
    const [socket, recorder] = await link()
    socket.pause()
    const closed = listener.close()
    expect(timers.fire(1_000)).toBe(1)
    await closed
    expect(await ended(recorder)).toBe('ConnectionClosed')
  })
})

describe('ws addresses', () => {
  const transport = wsTransport({ scheduler: systemScheduler })

  test.each(['0.0.0.0:0', '[::]:0', '192.168.1.1:0', 'example.com:0', '128.0.0.1:0'])(
    'listening on %s needs the insecure option',
    async (address) => {
      const refused = transport.listen(address, () => {})
      await expect(refused).rejects.toThrow(/not encrypted.*--insecure/)
      expect(await codeOf(refused)).toBe('InsecureAddress')
    },
  )

  test('with the insecure option any address is allowed', async () => {
    const open = await wsTransport({ scheduler: systemScheduler, insecure: true }).listen('0.0.0.0:0', () => {})
    expect(open.address).toMatch(/^0\.0\.0\.0:\d+$/)
    await open.close()
  })

  test('loopback is 127.0.0.0/8, ::1 and localhost', () => {
    for (const host of ['127.0.0.1', '127.8.9.1', '::1', 'localhost']) expect(isLoopback(host)).toBe(true)
    for (const host of ['127.evil.com', '0.0.0.0', '::', '10.0.0.1', '128.0.0.1']) expect(isLoopback(host)).toBe(false)
  })

  test('a dial without an answer is Unavailable when its time is up', async () => {
    const timers = new ManualTimers()
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const connected = once(server, 'connection')
    const dialed = codeOf(wsTransport({ scheduler: timers }).dial(`127.0.0.1:${port}`, { timeoutMs: 123 }))
    const [socket] = await connected
    timers.fire(123)
    expect(await dialed).toBe('Unavailable')
    socket.destroy()
    server.close()
  })
})
